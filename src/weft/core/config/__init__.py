"""The startup configuration in VPP's syntax: config.py reads it, stanza.py lets a feature declare its part."""

from .config import Config
from .stanza import STANZAS, Unknown, stanza
from .stanzas import (
    RUNTIME_DIR,
    ApiSegment,
    ApiTrace,
    Buffers,
    Cpu,
    Graph,
    Logging,
    Memory,
    Plugins,
    Socksvr,
    Statseg,
    Unix,
)
from .syntax import ConfigError
from .value import Cores, Size, Switch

__all__ = [
    "RUNTIME_DIR",
    "STANZAS",
    "ApiSegment",
    "ApiTrace",
    "Buffers",
    "Config",
    "ConfigError",
    "Cores",
    "Cpu",
    "Graph",
    "Logging",
    "Memory",
    "Plugins",
    "Size",
    "Socksvr",
    "Statseg",
    "Switch",
    "Unix",
    "Unknown",
    "stanza",
]
