"""ARP (RFC 826): requests, replies, proxy, announcements."""
