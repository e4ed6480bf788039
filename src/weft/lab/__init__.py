"""The all-in-one that ``make lab`` starts: an engine, two VLANs on a trunk, a host on each."""
