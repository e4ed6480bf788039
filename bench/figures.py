"""The figures to compare with: VPP 26.06's on the same kind of machine, one worker, where it was measured.

They are the design's table. Where its page lies beside the source, it is read; else what was read from it is here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DESIGN = Path(__file__).resolve().parents[2] / "shared" / "design.md"


@dataclass(frozen=True)
class Figure:
    """Clocks per packet of all nodes, and of those that forward; millions of packets a second."""

    mpps: float
    total: float
    forwarding: float


@dataclass(frozen=True)
class Figures:
    """Of one forwarder, by the names of cases."""

    of: str
    cycles_per_clock: float  # of its core, when that was measured
    cases: dict[str, Figure]


#: Rows of the design's table -> cases. One row may hold several, divided by slashes, or by brackets.
ROWS = {
    "L2 cross-connect": ("l2-xconnect",),
    "bridge domain, 256+256 MACs, learning on": ("l2-bridge-256",),
    "the same, 10,000+10,000 MACs": ("l2-bridge-10k",),
    "the same, 100,000+100,000 MACs": ("l2-bridge-100k",),
    "VLAN in, pop 1, bridge, push, VLAN out, learning": ("vlan-bridge",),
    "VLAN 2 → BVI → route → BVI → VLAN 3, learning (the listing)": ("irb-vlan",),
    "the same untagged": ("irb",),
    "IPv4, 1 route / 10,000 / 100,000 routes": ("ip4-1", "ip4-10k", "ip4-100k"),
    "bridge → VXLAN encapsulation, learning": ("vxlan-encap",),
    "VXLAN decapsulation → bridge, learning (with bypass)": ("vxlan-decap", "vxlan-decap-bypass"),
    "bridge + ACL of 1 / 100 rules, stateless": ("acl-1", "acl-100"),
    "bridge + stateful ACL, 1,000 flows": ("acl-stateful",),
}

KEPT = Figures(
    "VPP 26.06",
    1.52,
    {
        "l2-xconnect": Figure(50.7, 44.6, 16.6),
        "l2-bridge-256": Figure(29.6, 76.9, 48.2),
        "l2-bridge-10k": Figure(19.0, 122, 89),
        "l2-bridge-100k": Figure(17.3, 134, 101),
        "vlan-bridge": Figure(19.5, 117, 88),
        "irb-vlan": Figure(11.3, 204, 173),
        "irb": Figure(14.7, 156, 126),
        "ip4-1": Figure(31.9, 71, 42),
        "ip4-10k": Figure(28.3, 81, 50),
        "ip4-100k": Figure(23.9, 95, 64),
        "vxlan-encap": Figure(20.4, 112, 84),
        "vxlan-decap": Figure(14.5, 158, 125),
        "vxlan-decap-bypass": Figure(17.5, 131, 99),
        "acl-1": Figure(16.9, 136, 109),
        "acl-100": Figure(16.1, 143, 115),
        "acl-stateful": Figure(22.0, 104, 76),
    },
)


def vpp(page: Path = DESIGN) -> Figures:
    """VPP's figures."""
    return parse(page.read_text()) if page.is_file() else KEPT


def parse(text: str) -> Figures:
    """The table in the design's page. Raises ValueError if a row is not as expected."""
    cases: dict[str, Figure] = {}
    for line in text.splitlines():
        cells = [cell.replace("**", "").strip() for cell in line.strip().strip("|").split("|")]
        names = ROWS.get(cells[0])
        if names is None or len(cells) != 4:
            continue
        columns = [[float(word) for word in re.findall(r"\d+(?:\.\d+)?", cell)] for cell in cells[1:]]
        if any(len(column) != len(names) for column in columns):
            raise ValueError(f"expected {len(names)} figures in each column of the row `{cells[0]}', got {columns}")
        cases.update({name: Figure(*each) for name, *each in zip(names, *columns, strict=True)})
    cycles = re.search(r"one is (\d+\.\d+) core cycles", text)
    if not cases or cycles is None:
        raise ValueError("there is no table of clocks, or it is not said how many cycles a clock is")
    return Figures(KEPT.of, float(cycles[1]), cases)
