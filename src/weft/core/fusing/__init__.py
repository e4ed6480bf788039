"""Nodes that packets pass one after the other, compiled as one for the interfaces that they pass.

    probe.py    where packets really go: one is followed now and then
    fusion.py   what is compiled together, and the function that is compiled
    facts.py    what of the configuration it takes for constant
    code.py     how such a function is chosen for a frame, and where packets go that leave it
    rows.py     fusions in the graph: put in under traffic, undone
    fuser.py    which fusions there are; they are compiled in the background

Packets leave a fusion wherever they go another way than most, so it is never wrong, only useless at worst; but for
what it takes for constant, and it is undone before that is written to.
"""

import os

#: off: nodes are called one by one. on: what is busy is fused. forced: whatever a packet has passed is fused at once,
#: for tests.
MODES = ("off", "on", "forced")


def mode_of_environment() -> str:
    """The mode where nobody says one. Raises ValueError."""
    mode = os.environ.get("WEFT_FUSE") or "on"
    if mode not in MODES:
        raise ValueError(f"the environment has WEFT_FUSE={mode}; it must be one of {', '.join(MODES)}")
    return mode
