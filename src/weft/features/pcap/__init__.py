"""Packets in files of libpcap's format, and `pcap trace`, which captures what passes interfaces."""
