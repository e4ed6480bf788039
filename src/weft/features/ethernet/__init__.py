"""Ethernet: which interface a frame belongs to, by its VLAN tags, and which protocol it carries."""
