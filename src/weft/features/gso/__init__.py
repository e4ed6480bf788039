"""Offloads that a device does not do, done in software: owed checksums, large segments."""
