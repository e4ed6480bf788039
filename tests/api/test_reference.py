"""The declared messages against VPP 26.06's own descriptions, where those are present."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from weft.core import features
from weft.core.api.describe import describe
from weft.core.api.module import MODULES

REFERENCE = Path(os.environ.get("VPP_API", Path(__file__).resolve().parents[3] / "shared" / "vpp-api"))

features.load()

if not REFERENCE.is_dir():
    pytest.skip(f"no descriptions of VPP's API in {REFERENCE}; VPP_API may name a folder", allow_module_level=True)


#: Modules of which every message is in the table, implemented or not.
COMPLETE = (
    "af_packet",
    "af_xdp",
    "arp",
    "feature",
    "interface",
    "ip",
    "ip_neighbor",
    "l2",
    "memclnt",
    "pg",
    "ping",
    "span",
    "tapv2",
    "tracedump",
    "vhost_user",
    "vlib",
    "vpe",
    "vxlan",
)


@pytest.mark.parametrize("name", COMPLETE)
def test_no_message_is_missing(name: str) -> None:
    theirs = json.loads((REFERENCE / f"{name}.api.json").read_text())
    assert {name for name, *_ in theirs["messages"]} == set(MODULES[name].messages)


def messages(module: dict[str, Any]) -> dict[str, Any]:
    """Name -> fields without their defaults, and the CRC."""
    return {
        name: ([[part for part in field if not isinstance(part, dict)] for field in fields], about["crc"])
        for name, *fields, about in module["messages"]
    }


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_is_that_of_vpp(name: str) -> None:
    path = REFERENCE / f"{name}.api.json"
    if not path.exists():
        pytest.skip(f"VPP has no module {name}, or it is not among the descriptions")
    theirs, ours = json.loads(path.read_text()), describe(MODULES[name])
    expected, found = messages(theirs), messages(ours)
    assert found.items() <= expected.items()
    for service, what in ours["services"].items():
        assert what == theirs["services"][service]
    for kind in ("enums", "types", "unions"):
        known = {short: parts for short, *parts in theirs[kind] + theirs.get(f"{kind[:-1]}flags", [])}
        for short, *parts in ours[kind]:
            wanted = [part for part in known[short] if isinstance(part, list)]
            assert [[p for p in part if not isinstance(p, dict)] for part in parts if isinstance(part, list)] == [
                [p for p in part if not isinstance(p, dict)] for part in wanted
            ]
    for short, what in ours["aliases"].items():
        assert what == theirs["aliases"][short]
