"""The statistics segment: VPP's layout of what processes outside may read of the engine, and its socket."""
