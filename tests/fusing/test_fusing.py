"""Nodes compiled as one do to each packet what they do one by one, and count the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from bench.cases import CASES, Case, chosen, known
from bench.frames import ethernet, mac, packet
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Lab

from weft import Engine
from weft.core.runtime import runtimes
from weft.features.interface.model import Interfaces
from weft.features.pg.model import PacketGenerator

#: Frames of a case that are sent. Each is one of three vectors: for the first one packet is followed.
COUNT = 24
ADDRESSES = 12  #: bytes of a frame


@dataclass
class Result:
    """All that a run can be seen by. Packets that go different ways need not stay in order, those of one flow must: so
    frames are kept by where they leave and by their addresses.
    """

    frames: dict[tuple[str, bytes], list[bytes]]
    errors: dict[tuple[str, str], int]
    interfaces: str
    vectors: dict[str, int]
    ways: dict[str, list[int]]


@contextmanager
def engine_with(lines: tuple[str, ...], mode: str, interpret: bool) -> Iterator[Lab]:
    """An engine that has been told so much; its ports are captured."""
    with Engine(workers=0, interpret=interpret, fuse=mode) as engine:
        engine.fuser.specialise = True
        lab = Lab(engine)
        for line in lines:
            engine.cli(line)
        for interface in engine[Interfaces].by_index.values():
            if interface.name.startswith("pg") and interface.sup is None:
                engine[PacketGenerator].capture(interface)
                lab.ports.append(interface)
        yield lab


def result_of(lab: Lab, sent: list[tuple[str, list[bytes]]]) -> Result:
    """What comes of frames that come in by ports, a list after the other."""
    engine = lab.engine
    frames: dict[tuple[str, bytes], list[bytes]] = {}
    for port, each in sent:
        for name, out in lab.send_raw(engine[Interfaces][port], *each).items():
            for frame in out:
                frames.setdefault((name, frame[:ADDRESSES]), []).append(frame)
    rts = {instance.name: runtimes[instance.index] for instance in engine.graph.instances}
    return Result(
        frames,
        lab.errors(),
        engine.cli("show interface"),
        {name: rt.vectors for name, rt in rts.items() if rt.vectors},
        {name: [rt.next_vectors[slot] for slot in range(rt.next_count)] for name, rt in rts.items() if rt.vectors},
    )


def both(
    lines: tuple[str, ...], sent: list[tuple[str, list[bytes]]], interpret: bool
) -> tuple[Result, Result, list[Any]]:
    """What comes of the same frames node by node and fused; and what was fused."""
    with engine_with(lines, "off", interpret) as lab:
        plain = result_of(lab, sent)
    with engine_with(lines, "forced", interpret) as lab:
        fused = result_of(lab, sent)
        return plain, fused, lab.engine.fuser.installed


#: Without those that differ in the size of their tables alone.
ROWS = [case for case in CASES if not case.name.endswith("k")]
#: Compiled, those that have all nodes between them: each fusion is compiled for this.
COMPILED = chosen(["l2-bridge-256", "irb-vlan", "vxlan-encap-6", "vxlan-decap-bypass"])
RUNS = [(case, True) for case in ROWS] + [(case, False) for case in COMPILED]


@pytest.mark.parametrize(
    ("case", "interpret"), RUNS, ids=[f"{case.name}-{'interpreted' if each else 'compiled'}" for case, each in RUNS]
)
def test_a_row_of_the_benchmark_is_the_same_node_by_node_and_fused(case: Case, interpret: bool) -> None:
    setup = case.build()
    frames = setup.frames[:COUNT]
    plain, fused, installed = both(setup.lines, [(setup.port, frames)] * 3, interpret)
    assert any(len(fusion.stages) > 1 for fusion in installed)
    assert setup.leaves_by in {name for name, _ in plain.frames}, "the row forwards nothing"
    assert plain == fused


BRIDGE = (
    "create packet-generator interface pg0",
    "create packet-generator interface pg1",
    "create packet-generator interface pg2",
    "set interface state pg0 up",
    "set interface state pg1 up",
    "set interface state pg2 up",
    "set interface l2 bridge pg0 1",
    "set interface l2 bridge pg1 1",
    "set interface l2 bridge pg2 1",
    *(line for n, port in enumerate(("pg0", "pg1", "pg2")) for line in known(1, port, 4, mac(n, 0)).splitlines()),
)


def frame(source: int, destination: int, number: int = 0, length: int = 60) -> bytes:
    """From one port's known hosts to another's; port 3 has none, port 4 is everybody."""
    to = b"\xff" * 6 if destination == 4 else mac(destination, number)
    return packet(ethernet(to, mac(source, number)))[:length]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.lists(
                st.tuples(st.integers(0, 4), st.integers(0, 3), st.sampled_from([60, 60, 60, 20, 12])), max_size=9
            ),
        ),
        max_size=6,
    )
)
@settings(max_examples=12)
def test_packets_that_leave_a_fusion_anywhere_go_where_they_went_without_it(
    turns: list[tuple[int, list[tuple[int, int, int]]]],
) -> None:
    """Unknown destinations, broadcasts, reflected and cut frames, by all ports, between frames of the usual kind."""
    usual = [(f"pg{n}", [frame(n, (n + 1) % 3)] * 3) for n in range(3)] * 2
    odd = [(f"pg{n}", [frame(n, to, number, length) for to, number, length in each]) for n, each in turns if each]
    plain, fused, installed = both(BRIDGE, [*usual, *odd, *usual], interpret=True)
    assert len(installed) >= 3
    assert plain == fused


@pytest.fixture(params=["compiled", "interpreted"])
def crossed(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Four ports, cross-connected two by two and both ways, fused."""
    lines = [f"create packet-generator interface pg{n}" for n in range(4)]
    lines += [f"set interface state pg{n} up" for n in range(4)]
    lines += [f"set interface l2 xconnect pg{n} pg{n ^ 1}" for n in range(4)]
    with engine_with(tuple(lines), "forced", request.param == "interpreted") as lab:
        for _ in range(2):
            for n in range(4):
                assert lab.send_raw(lab.ports[n], frame(0, 1)) == {f"pg{n ^ 1}": [frame(0, 1)]}
        assert {fusion.head.key for fusion in lab.engine.fuser.installed} == {port.sw_if_index for port in lab.ports}
        yield lab


def of_port(lab: Lab, number: int) -> list[str]:
    """The fusions for what comes in by a port."""
    index = lab.ports[number].sw_if_index
    return [fusion.name for fusion in lab.engine.fuser.installed if fusion.head.key == index]


def test_what_a_fusion_takes_for_constant_may_change_at_any_time(crossed: Lab) -> None:
    crossed.engine.fuser.set_mode("off")
    crossed.engine.fuser.set_mode("forced")
    for _ in range(2):
        crossed.send_raw(crossed.ports[0], frame(0, 1))
        crossed.send_raw(crossed.ports[1], frame(0, 1))
    assert of_port(crossed, 0) and of_port(crossed, 1)
    crossed.cli("set interface state pg1 down")
    assert not of_port(crossed, 0)
    assert crossed.send_raw(crossed.ports[0], frame(0, 1)) == {}
    crossed.cli("set interface state pg1 up")
    crossed.cli("set interface l2 xconnect pg0 pg3")
    assert crossed.send_raw(crossed.ports[0], frame(0, 1)) == {"pg3": [frame(0, 1)]}
    crossed.cli("set interface l3 pg0")
    assert crossed.send_raw(crossed.ports[0], frame(0, 1)) == {}


def test_others_stay_when_one_changes(crossed: Lab) -> None:
    crossed.cli("set interface state pg1 down")
    assert not of_port(crossed, 0)
    assert of_port(crossed, 2) and of_port(crossed, 3)


def test_an_interface_that_goes_takes_its_fusions_along(crossed: Lab) -> None:
    crossed.cli("delete packet-generator interface pg1")
    crossed.ports.pop(1)
    assert not of_port(crossed, 0)
    assert crossed.send_raw(crossed.ports[0], frame(0, 1)) == {}
    crossed.cli("create packet-generator interface pg1\nset interface state pg1 up")
    crossed.cli("set interface l2 xconnect pg0 pg1\nset interface l2 xconnect pg1 pg0")
    port = crossed.engine[Interfaces]["pg1"]
    crossed.engine[PacketGenerator].capture(port)
    crossed.ports.append(port)
    for _ in range(3):
        assert crossed.send_raw(crossed.ports[0], frame(0, 1)) == {"pg1": [frame(0, 1)]}
    assert of_port(crossed, 0)


def test_a_frame_of_many_interfaces_is_sorted(crossed: Lab) -> None:
    """Streams that are due in one round end up in one vector of ethernet-input."""
    engine = crossed.engine
    generator = engine[PacketGenerator]
    before = runtimes[engine.graph["l2-input"].index].vectors
    for n in range(4):
        generator.add(f"stream{n}", crossed.ports[n], [frame(0, 1, n)] * 5, limit=5)
        generator.enable(f"stream{n}")
    engine.workers.step()  # all in one round, in which no packet is followed
    out = {port.name: generator.captured(port) for port in crossed.ports}
    assert out == {f"pg{n}": [frame(0, 1, n ^ 1)] * 5 for n in range(4)}
    assert runtimes[engine.graph["l2-input"].index].vectors == before + 20


def test_a_feature_that_is_enabled_is_passed_and_becomes_part_of_it(crossed: Lab) -> None:
    """A mirror is a feature of the interface: its copies leave by pg2 from the next packet on."""
    crossed.cli("set interface span pg0 destination pg2 rx")
    for _ in range(3):
        out = crossed.send_raw(crossed.ports[0], frame(0, 1))
        assert out == {"pg1": [frame(0, 1)], "pg2": [frame(0, 1)]}


def test_a_traced_packet_shows_all_its_nodes(crossed: Lab) -> None:
    crossed.cli("trace add pg-input 1")
    crossed.send_raw(crossed.ports[0], frame(0, 1))
    text = crossed.cli("show trace")
    assert [name for name in ("pg-input", "ethernet-input", "l2-input", "l2-output", "pg1-output") if name in text] == [
        "pg-input",
        "ethernet-input",
        "l2-input",
        "l2-output",
        "pg1-output",
    ]


def test_off_undoes_all(crossed: Lab) -> None:
    assert "pg0" in crossed.cli("show graph fuse")
    crossed.cli("set graph fuse off")
    assert crossed.engine.fuser.installed == []
    assert crossed.cli("show graph fuse") == "fuse off\n"
    assert crossed.send_raw(crossed.ports[0], frame(0, 1)) == {"pg1": [frame(0, 1)]}
