"""The command `ping`."""

PLUGIN = "ping"
