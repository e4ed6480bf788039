"""Interfaces: names, numbers, states, counters, and the way out through ``<name>-output`` and ``<name>-tx``."""
