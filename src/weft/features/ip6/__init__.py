"""IPv6 (RFC 8200): tables, lookup, forwarding, addresses of interfaces, packets to this machine."""
