"""Finding features: every package below ``weft.features``, and those that the entry point group names.

Some can do without: what VPP has as a plugin says so in its package (``PLUGIN = "af_packet"``, by the name that VPP's
configuration gives it), and so are all of the entry point group, by the last part of their package's name. A process
may choose among them before they are loaded.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points

GROUP = "weft.features"
#: What a feature may bring, in the order of loading.
PARTS = ("model", "nodes", "api", "cli")

_loaded: list[str] = []
_wanted: Callable[[str], bool] | None = None
#: The packages of features that nobody wanted.
left_out: list[str] = []


def choose(wanted: Callable[[str], bool]) -> None:
    """Say which plugins are wanted, by their names. Raises RuntimeError if features have been loaded."""
    global _wanted
    if "weft.features" in sys.modules:
        raise RuntimeError("features have been loaded; choose before anything of weft.features is imported")
    _wanted = wanted


def load() -> list[str]:
    """Import all parts of all features that are wanted; the names of their packages. Loading again does nothing."""
    if not _loaded:
        own = importlib.import_module("weft.features").NAMES
        others = load_plugins(sorted({entry.value for entry in entry_points(group=GROUP)}))
        _loaded.extend([*own, *others])
    return list(_loaded)


def plugin_of(name: str) -> str | None:
    """The name of the plugin that a feature's package is; None: the engine is not without it."""
    if not name.startswith(f"{GROUP}."):
        return name.rpartition(".")[2]
    return getattr(importlib.import_module(name), "PLUGIN", None)


def known_as(name: str) -> str:
    """What a feature's package is called in configurations."""
    return plugin_of(name) or name.rpartition(".")[2]


def load_plugins(names: list[str]) -> list[str]:
    """Import those of the plugins that are wanted, or that others need; their names."""
    wanted = [name for name in names if _wanted is None or _wanted(known_as(name))]
    load_parts(wanted)
    needed = [name for name in names if name not in wanted and f"{name}.model" in sys.modules]
    load_parts(needed)
    loaded = [name for name in names if name in wanted or name in needed]
    left_out.extend(name for name in names if name not in loaded)
    return loaded


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
