"""The engine as a process: what `weft-engine` does around it, as `vpp` does."""
