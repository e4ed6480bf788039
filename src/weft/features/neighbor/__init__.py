"""Who has which IP address on an interface: the neighbor table of ARP (and later of ND)."""
