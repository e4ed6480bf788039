"""Clients of the binary API: how they connect, and what they can ask about the API itself."""
