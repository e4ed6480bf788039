"""What IPv4 and IPv6 have in common on the control side: tables, routes, addresses of interfaces, commands."""
