"""The engine's own show and clear commands, in VPP's words and formats (its module of that name)."""
