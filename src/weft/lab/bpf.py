"""A VLAN switch of a few BPF instructions, for kernels without 802.1Q devices.

``tag`` puts a tag on every frame that comes in by a port and sends it out by the trunk; ``untag`` does the reverse
for a trunk. Both are attached where traffic control sees received frames (the ``clsact`` qdisc's ingress).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from pyroute2 import IPRoute, NetNS

from weft.features.af_xdp.bpf import instruction, load

# linux/bpf.h
_PROG_TYPE_SCHED_CLS = 3
_SKB_VLAN_PUSH, _SKB_VLAN_POP, _REDIRECT = 18, 19, 23
_VLAN_TCI = 24  # in struct __sk_buff
_TC_ACT_SHOT = 2
_ETH_P_8021Q = 0x8100


def _set(register: int, value: int) -> bytes:
    return instruction(0xB7, register, value=value)


def _move(register: int, source: int) -> bytes:
    return instruction(0xBF, register, source)


def _call(function: int) -> bytes:
    return instruction(0x85, value=function)


_EXIT = instruction(0x95)


def _redirect(ifindex: int) -> list[bytes]:
    return [_set(1, ifindex), _set(2, 0), _call(_REDIRECT), _EXIT]


def tag(vlan: int, trunk: int) -> bytes:
    """A program that tags a frame with ``vlan`` and sends it out by the interface with the index ``trunk``."""
    big_endian = int.from_bytes(_ETH_P_8021Q.to_bytes(2, "little"), "big")
    return b"".join([_set(2, big_endian), _set(3, vlan), _call(_SKB_VLAN_PUSH), *_redirect(trunk)])


def untag(ports: Mapping[int, int]) -> bytes:
    """A program that takes the tag off a frame and sends it out by the port of its VLAN; others are dropped."""
    program = [_move(6, 1), instruction(0x61, 7, 6, _VLAN_TCI), instruction(0x57, 7, value=0xFFF)]
    for vlan, ifindex in ports.items():
        body = [_move(1, 6), _call(_SKB_VLAN_POP), *_redirect(ifindex)]
        program += [instruction(0x55, 7, offset=len(body), value=vlan), *body]
    return b"".join([*program, _set(0, _TC_ACT_SHOT), _EXIT])


def attach(link: IPRoute | NetNS, ifindex: int, program: bytes) -> None:
    """Let a program have every frame that comes in by an interface."""
    descriptor = load(_PROG_TYPE_SCHED_CLS, program)
    try:
        link.tc("add", "clsact", ifindex)
        link.tc(
            "add-filter",
            "bpf",
            ifindex,
            ":1",
            fd=descriptor,
            name="weft",
            parent="ffff:fff2",
            classid=1,
            direct_action=True,
        )
    finally:
        os.close(descriptor)
