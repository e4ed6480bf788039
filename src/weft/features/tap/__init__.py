"""tap: an interface between the engine and Linux's own network stack, through /dev/net/tun."""
