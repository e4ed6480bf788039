"""Layer 2: bridge domains, cross-connects, learning, flooding, tag rewrite, ARP termination, BVIs."""
