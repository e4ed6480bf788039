"""IPv4 (RFC 791, RFC 1812): tables, longest-prefix match, forwarding, delivery to this machine."""
