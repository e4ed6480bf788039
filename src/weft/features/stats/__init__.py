"""What the statistics segment shows of the engine: the names, rates and sizes beside the counters themselves."""
