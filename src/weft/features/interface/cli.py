"""All commands of this feature: each file of commands registers its own."""

from weft.features.interface import argument, setting

__all__ = ["argument", "setting"]
