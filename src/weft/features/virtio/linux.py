"""What drivers of interfaces that Linux has as well share: names, and addresses for our side."""

from __future__ import annotations

import random

NAME_SIZE = 16  #: IFNAMSIZ


def usable_name(name: str) -> bool:
    """Whether Linux takes this as an interface's name."""
    return (
        0 < len(name.encode()) < NAME_SIZE
        and name not in (".", "..")
        and not any(char in "/:" or char.isspace() for char in name)
    )


def random_mac() -> int:
    """A locally administered address as VPP makes them: ``02:fe:`` and four random bytes."""
    return int.from_bytes(b"\x02\xfe" + random.randbytes(4), "little")
