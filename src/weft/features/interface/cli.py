"""All commands of this feature: each file of commands registers its own."""

from weft.features.interface import argument, features, queues, setting, showing

__all__ = ["argument", "features", "queues", "setting", "showing"]
