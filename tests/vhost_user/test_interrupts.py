"""How often guests are interrupted: each for many packets together, as VPP does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.conftest import Lab
from tests.vhost_user.conftest import NAME
from tests.vhost_user.frontend import EVENT_IDX, PACKED, PLAIN, FrontEnd

from weft.core.config import Config
from weft.features.vhost_user.device import VhostUsers

FRAME = bytes.fromhex("020000000001 020000000002 88b6").ljust(60, b"\0")
LONG = 1000.0  #: seconds
KINDS = pytest.mark.parametrize(
    "features", [PLAIN, PLAIN | EVENT_IDX, PLAIN | PACKED], ids=["split", "event index", "packed"]
)


def machine(lab: Lab, front_end: Callable[..., FrontEnd], features: int, frames: int, time: float) -> FrontEnd:
    """A machine whose driver wants to be interrupted for each packet in each direction."""
    vm = front_end("packed event-idx", features=features, size=128).start()
    lab.engine[VhostUsers].coalesce(frames, time)
    vm.offer(100)
    return vm


def send(lab: Lab, vm: FrontEnd, count: int) -> int:
    """Interrupts for so many vectors of one packet to the guest."""
    got = 0
    for _ in range(count):
        if vm.features & EVENT_IDX:
            vm.vrings[0].queue.interrupt_at(vm.memory.u16(vm.vrings[0].queue.device + 2))
        lab.send(lab.ports[0], FRAME)
        got += vm.vrings[0].interrupted()
    return got


@KINDS
def test_the_first_at_once_and_then_one_for_more_than_so_many(
    lab: Lab, front_end: Callable[..., FrontEnd], features: int
) -> None:
    vm = machine(lab, front_end, features, 9, LONG)
    assert send(lab, vm, 1) == 1, "it has not been interrupted for a long time"
    assert send(lab, vm, 9) == 0
    assert send(lab, vm, 1) == 1, "ten are more than nine"
    assert send(lab, vm, 30) == 3


@KINDS
def test_what_the_guest_sends_is_returned_likewise(lab: Lab, front_end: Callable[..., FrontEnd], features: int) -> None:
    vm = machine(lab, front_end, features, 4, LONG)
    got = []
    for _ in range(11):
        if features & EVENT_IDX:
            vm.vrings[1].queue.interrupt_at(vm.memory.u16(vm.vrings[1].queue.device + 2))
        vm.transmit(FRAME)
        got.append(vm.vrings[1].interrupted())
    assert got == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_without_coalescing_each_vector_interrupts(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = machine(lab, front_end, PLAIN, 0, LONG)
    assert send(lab, vm, 5) == 5
    lab.send(lab.ports[0], *[FRAME] * 20)
    assert vm.vrings[0].interrupted() == 1


def test_when_the_time_has_passed_it_is_interrupted(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = machine(lab, front_end, PLAIN, 1000, 1e-9)
    assert send(lab, vm, 5) == 5


@KINDS
def test_a_thread_that_has_nothing_to_do_interrupts_before_it_sleeps(
    lab: Lab, front_end: Callable[..., FrontEnd], features: int
) -> None:
    vm = machine(lab, front_end, features, 1000, LONG)
    assert send(lab, vm, 4) == 1
    for _ in range(600):
        lab.engine.step()
    assert vm.vrings[0].interrupted() == 1
    for _ in range(600):
        lab.engine.step()
    assert vm.vrings[0].interrupted() == 0, "once is enough"


def test_a_guest_that_looks_by_itself_meanwhile_is_left_alone(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = machine(lab, front_end, PLAIN, 1000, LONG)
    assert send(lab, vm, 4) == 1
    vm.vrings[0].queue.interrupts(False)
    for _ in range(600):
        lab.engine.step()
    assert vm.vrings[0].interrupted() == 0


def test_a_ring_that_stops_owes_nothing(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = machine(lab, front_end, PLAIN, 1000, LONG)
    assert send(lab, vm, 4) == 1
    vm.stop_vring(0)
    assert vm.vrings[0].interrupted() == 1


def test_an_interface_goes_while_an_interrupt_is_put_off(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = machine(lab, front_end, PLAIN, 1000, LONG)
    assert send(lab, vm, 4) == 1
    lab.cli(f"delete vhost-user {NAME}")
    for _ in range(600):
        lab.engine.step()
    assert vm.vrings[0].interrupted() == 1


def test_the_configuration_says_how(lab: Lab) -> None:
    assert "  coalesce frames 32 time 1.000500e-3\n" in lab.cli("show vhost-user"), "VPP 26.06 prints this"
    Config.from_text("vhost-user { coalesce-frames 7 coalesce-time 0.25 dont-dump-memory }").apply(lab.engine)
    assert "  coalesce frames 7 time 2.500000e-1\n" in lab.cli("show vhost-user")
