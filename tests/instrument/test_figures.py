"""VPP's figures, the table beside them, and the history of runs."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from bench import history
from bench.cases import CASES, chosen
from bench.figures import DESIGN, KEPT, Figure, parse, vpp
from bench.samples import Result
from bench.table import row

PAGE = """
| case | Mpps in all | clocks per packet, all nodes | of these, forwarding nodes |
|---|---|---|---|
| L2 cross-connect | 50.7 | 44.6 | 16.6 |
| **VLAN 2 → BVI → route → BVI → VLAN 3, learning** (the listing) | 11.3 | 204 | 173 |
| IPv4, 1 route / 10,000 / 100,000 routes | 31.9 / 28.3 / 23.9 | 71 / 81 / 95 | 42 / 50 / 64 |
| VXLAN decapsulation → bridge, learning (with bypass) | 14.5 (17.5) | 158 (131) | 125 (99) |

Clocks are the TSC's (2.3 GHz) while the core ran at 3.49 GHz: one is 1.52 core cycles.
"""


def test_rows_that_hold_several_cases_are_told_apart() -> None:
    figures = parse(PAGE)
    assert figures.cycles_per_clock == 1.52
    assert figures.cases == {
        "l2-xconnect": Figure(50.7, 44.6, 16.6),
        "irb-vlan": Figure(11.3, 204, 173),
        "ip4-1": Figure(31.9, 71, 42),
        "ip4-10k": Figure(28.3, 81, 50),
        "ip4-100k": Figure(23.9, 95, 64),
        "vxlan-decap": Figure(14.5, 158, 125),
        "vxlan-decap-bypass": Figure(17.5, 131, 99),
    }


@pytest.mark.parametrize(
    "page", ["", PAGE.replace("42 / 50 / 64", "42 / 50"), PAGE.replace("one is 1.52 core cycles", "")]
)
def test_a_page_that_is_not_as_expected_is_an_error(page: str) -> None:
    with pytest.raises(ValueError):
        parse(page)


def test_without_the_page_there_are_figures_too(tmp_path: Path) -> None:
    assert vpp(tmp_path / "design.md") == KEPT


@pytest.mark.skipif(not DESIGN.is_file(), reason="the design's page is not beside the source")
def test_the_figures_that_are_kept_are_those_of_the_page() -> None:
    assert vpp() == KEPT


def test_all_cases_that_vpp_has_figures_for_have_names_of_cases() -> None:
    names = {case.name for case in CASES}
    assert {name for name in KEPT.cases if not name.startswith("acl-")} <= names


def test_cases_are_chosen_by_name() -> None:
    assert chosen(()) == CASES
    assert [case.name for case in chosen(("irb", "l2-xconnect"))] == ["l2-xconnect", "irb"]
    with pytest.raises(ValueError, match="no case irbb; there are l2-xconnect"):
        chosen(("irbb",))


def result(case: str, total: float, cycles: float) -> Result:
    return Result(case, 30.0, total, 21.0, 0.05, cycles, 0.9, False, 1.0, 256.0)


def test_ratios_are_of_clocks_and_of_cycles() -> None:
    cells = row(result("ip4-1", 35.5, 3.04), KEPT, None)
    #        case, Mpps, all, ±%, VPP, ratio, cycles (twice as many a clock as VPP's core), fwd, ...
    assert cells == ["ip4-1", "30.0", "35.5", "5", "71.0", "0.50", "1.00", "21.0", "42.0", "0.50", "1.00", "-"]


def test_a_case_without_a_figure_has_no_ratio() -> None:
    assert row(result("ip6-1", 50.0, 1.5), KEPT, None)[4:7] == ["-", "-", "-"]


def test_the_change_since_the_last_run_is_that_of_cycles() -> None:
    before = {"clocks_total": 40.0, "cycles_per_clock": 1.0}
    assert row(result("ip4-1", 30.0, 2.0), KEPT, before)[-1] == "+50%"
    assert row(result("ip4-1", 30.0, 2.0), KEPT, {"clocks_total": 0.0, "cycles_per_clock": 1.0})[-1] == "-"


# --- history

CPUINFO = """processor	: 0
cpu family	: 6
model		: 207
model name	: Some Processor
flags		: fpu hypervisor avx2

processor	: 1
model name	: Some Processor
flags		: fpu hypervisor avx2
"""


def test_the_machine_is_described_without_saying_whose_it_is() -> None:
    machine = history.machine(CPUINFO)
    assert machine["processor"] == "Some Processor" and machine["processors"] == 2 and machine["virtual"] is True
    text = json.dumps(machine)
    assert socket.gethostname() not in machine.values() and "/" not in text


def test_each_run_is_kept_and_the_last_is_found(tmp_path: Path) -> None:
    first = history.write("bench", [{"case": "a", "clocks_total": 1.0}], tmp_path)
    history.write("other", [], tmp_path)
    assert history.load(first)["kind"] == "bench"
    assert history.before("bench", tmp_path) == {"a": {"case": "a", "clocks_total": 1.0}}


@pytest.mark.parametrize("text", ["", "[]", '{"kind": "bench"}', '{"kind": 1, "machine": 2, "results": [3]}'])
def test_a_last_run_that_cannot_be_read_is_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "bench-latest.json").write_text(text)
    assert history.before("bench", tmp_path) == {}
    assert history.before("bench", tmp_path / "missing") == {}
