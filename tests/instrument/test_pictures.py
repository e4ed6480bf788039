"""The pictures, and what a second worker adds."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from bench import history, pictures
from bench.added import concluded
from bench.figures import KEPT
from click.testing import CliRunner

SVG = "{http://www.w3.org/2000/svg}"
RESULTS = [
    {
        "case": "ip4-1",
        "clocks_total": 35.5,
        "cycles_per_clock": 1.52,
        "nodes": {"pg-input": 10.0, "my-own": 5.5, "pg1-output": 8.0, "loop12-tx": 4.0, "ip4-lookup": 8.0},
    },
    {"case": "ip6-1", "clocks_total": 50.0, "cycles_per_clock": 1.0, "nodes": {"pg-input": 50.0}},
]


def bars(svg: str) -> dict[str, float]:
    """Title -> width."""
    found = {}
    for bar in ElementTree.fromstring(svg).iter(f"{SVG}rect"):
        title = bar.find(f"{SVG}title")
        if title is not None and title.text:
            found[title.text] = float(bar.attrib["width"])
    return found


def test_bars_are_as_long_as_cycles_are_many() -> None:
    found = bars(pictures.beside_vpp(RESULTS, KEPT))
    assert found["ip4-1: VPP 108 cycles"] == pytest.approx(2 * found["ip4-1: 54 cycles"], abs=0.2)
    assert not any(name.startswith("ip6-1") for name in found)  # VPP has no figure


def test_each_node_has_its_part_of_a_bar() -> None:
    svg = pictures.cycles_by_node(RESULTS)
    found = bars(svg)
    assert found["pg-input: 50.0 cycles"] == pytest.approx(found["pg-input: 15.2 cycles"] * 50 / 15.2, abs=0.5)
    assert {"my-own: 8.4 cycles", "loop12-tx: 6.1 cycles"} <= found.keys()


def test_nodes_stand_as_packets_meet_them() -> None:
    assert pictures.ordered({"pgN-tx", "l2-fwd", "my-own", "pg-input"}) == ["pg-input", "l2-fwd", "my-own", "pgN-tx"]
    assert [pictures.kind(name) for name in ("pg12-tx", "loop1-output", "pg-input", "pgx-tx", "loop")] == [
        *("pgN-tx", "loopN-output", "pg-input", "pgx-tx", "loop")
    ]


def test_pictures_are_drawn_from_the_last_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "RESULTS", tmp_path)
    history.write("bench", RESULTS, tmp_path)
    done = CliRunner().invoke(pictures.main, ["--folder", str(tmp_path / "drawn")])
    assert done.exit_code == 0, done.output
    assert "/bench-latest.json" in done.output
    names = ("beside-vpp", "cycles-by-node", "instructions-by-node")  # the last: from what is kept with the source
    for name in names:
        ElementTree.fromstring((tmp_path / "drawn" / f"{name}.svg").read_text())


def test_what_a_second_worker_adds_is_told_round_by_round() -> None:
    # The machine is three times as slow in the second round, which says nothing about workers.
    found = concluded(
        {"one": [9e6, 3e6], "other": [11e6, 3e6], "workers": [15e6, 4.5e6], "engines": [16e6, 4.8e6]},
    )
    assert found["added"] == 0.5
    assert found["control"] == 0.6
    assert found["kept"] == pytest.approx(0.938, abs=1e-3)
    assert found["one"] == 6.0
