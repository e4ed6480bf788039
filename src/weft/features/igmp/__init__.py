"""IGMP (RFC 3376, older: RFC 2236): which IPv4 groups interfaces are in, said as a host says it."""
