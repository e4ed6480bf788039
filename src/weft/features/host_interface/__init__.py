"""host-interface: a Linux interface as a port, through AF_PACKET sockets."""

PLUGIN = "af_packet"
