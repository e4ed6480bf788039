"""SPAN: copies of what passes an interface leave by others (port mirroring)."""
