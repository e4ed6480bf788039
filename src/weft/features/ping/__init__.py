"""The command `ping`."""
