"""Loopback interfaces: what leaves by one comes in by it. As a bridge domain's BVI, it joins layer 2 and layer 3."""
