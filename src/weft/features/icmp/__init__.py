"""ICMP (RFC 792): echo, and the errors that a router sends (RFC 1812 4.3)."""
