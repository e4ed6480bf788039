"""What network devices that speak virtio's language share: the header in front of a packet, and I/O vectors."""
