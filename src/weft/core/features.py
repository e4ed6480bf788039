"""Finding features: every package below ``weft.features``, and those that the entry point group names."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from importlib.metadata import entry_points

GROUP = "weft.features"
#: What a feature may bring, in the order of loading.
PARTS = ("model", "nodes", "api", "cli")

_loaded: list[str] = []


def load() -> list[str]:
    """Import all parts of all features; the names of their packages. Loading again does nothing."""
    if not _loaded:
        package = importlib.import_module("weft.features")
        names = sorted(f"weft.features.{info.name}" for info in pkgutil.iter_modules(package.__path__))
        names += sorted({entry.value for entry in entry_points(group=GROUP)})
        for part in PARTS:
            for name in names:
                _load(name, part)
        _loaded.extend(names)
    return list(_loaded)


def _load(name: str, part: str) -> None:
    try:
        package = importlib.import_module(name)
        if hasattr(package, "__path__") and importlib.util.find_spec(f"{name}.{part}") is not None:
            importlib.import_module(f"{name}.{part}")
    except Exception as error:
        raise ImportError(f"feature {name} cannot be loaded: {error}; mend it, or uninstall it") from error
