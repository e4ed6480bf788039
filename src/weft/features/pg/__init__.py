"""The packet generator: interfaces that make packets from streams and capture what leaves by them."""
