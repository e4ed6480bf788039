"""Finding features: every package below ``weft.features``, and those that the entry point group names."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Sequence
from importlib.metadata import entry_points

GROUP = "weft.features"
#: What a feature may bring, in the order of loading.
PARTS = ("model", "nodes", "api", "cli")

_loaded: list[str] = []


def load() -> list[str]:
    """Import all parts of all features; the names of their packages. Loading again does nothing."""
    if not _loaded:
        own = importlib.import_module("weft.features").NAMES
        others = sorted({entry.value for entry in entry_points(group=GROUP)})
        load_parts(others)
        _loaded.extend([*own, *others])
    return list(_loaded)


def below(path: Sequence[str], package: str) -> list[str]:
    """The names of the packages in a package."""
    return sorted(f"{package}.{info.name}" for info in pkgutil.iter_modules(path))


def load_parts(names: list[str]) -> None:
    """Import parts of features, always in the same order: it decides about addresses, and so about machine code."""
    for part in PARTS:
        for name in names:
            _load(name, part)


def _load(name: str, part: str) -> None:
    try:
        package = importlib.import_module(name)
        if hasattr(package, "__path__") and importlib.util.find_spec(f"{name}.{part}") is not None:
            importlib.import_module(f"{name}.{part}")
    except Exception as error:
        raise ImportError(f"feature {name} cannot be loaded: {error}; mend it, or uninstall it") from error
