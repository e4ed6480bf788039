"""The lab of ``make lab-vxlan``: three engines, their hosts behind Ethernet, VLAN and tap ports, joined by VXLAN."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from weft.lab.vxlan import Lab

pytestmark = pytest.mark.root


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    made = Lab(f"wt{os.getpid()}", tmp_path)
    try:
        yield made
    finally:
        made.down()


def test_every_host_reaches_every_other(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Hosts of the same segment at layer 2, wherever they are and behind whatever port; those of the other by their
    site's BVI; and all BVIs. It says what is left running; afterwards nothing is.
    """
    lab.up()
    printed = capsys.readouterr().out
    assert printed.count("6 BVIs") == 9
    assert "make lab-vxlan-down" in printed and all(str(engine.pid) in printed for engine in lab.engines.values())
    reached = lab.ping_all()
    assert {each.host.namespace: each.layer_2 + each.layer_3 for each in reached} == {
        host.namespace: 8 for host in lab.overlay.hosts
    }
    kinds = {
        frozenset((one.kind, other.kind))
        for one in lab.overlay.hosts
        for other in lab.overlay.hosts
        if one.site != other.site and one.segment is other.segment
    }
    assert kinds == {frozenset((a, b)) for a in ("eth", "vlan", "tap") for b in ("eth", "vlan", "tap")}
    for engine in lab.engines.values():
        shown = engine.ctl("show", "interface")
        assert all(f"vxlan_tunnel{number}" in shown for number in range(4))
        assert "no such tunnel" not in engine.ctl("show", "errors")
    pids = [engine.pid for engine in lab.engines.values()]
    gone = lab.down()
    assert len(gone) == 3 + len(lab.overlay.namespaces)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not lab.folder.exists()
    assert lab.down() == []
