"""Features, one folder each. Whoever imports one gets them all: their order decides about addresses in the arena, and
so about what machine code can be kept for all programs that have an engine. Those that may be left out come last, so
that the others' addresses are the same without them.
"""

from weft.core import engine as _engine  # what the core lays out comes first
from weft.core.features import below, load_parts, load_plugins, plugin_of

_ALL = below(__path__, __name__)
_ALWAYS = [name for name in _ALL if plugin_of(name) is None]
load_parts(_ALWAYS)
NAMES = sorted([*_ALWAYS, *load_plugins([name for name in _ALL if name not in _ALWAYS])])
del _engine
