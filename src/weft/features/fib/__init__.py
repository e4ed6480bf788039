"""The forwarding table's protocol-independent parts: adjacencies, load-balances, paths, sources."""
