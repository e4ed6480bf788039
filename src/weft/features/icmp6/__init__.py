"""ICMPv6 (RFC 4443): echo, and the errors that a node sends."""
