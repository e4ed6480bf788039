"""Features, one folder each. Whoever imports one gets them all: their order decides about addresses in the arena, and
so about what machine code can be kept for all programs that have an engine.
"""

from weft.core import engine as _engine  # what the core lays out comes first
from weft.core.features import below, load_parts

NAMES = below(__path__, __name__)
load_parts(NAMES)
del _engine
