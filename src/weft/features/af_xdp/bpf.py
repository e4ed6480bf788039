"""The program that hands an interface's frames to AF_XDP sockets: made, loaded and attached (linux/bpf.h).

What is attached stays as long as its descriptor is open, so Linux has its interface back whatever ends the engine.
"""

from __future__ import annotations

import ctypes
import os
import struct

_SYS_BPF = 321
_MAP_CREATE, _MAP_UPDATE_ELEM, _PROG_LOAD, _LINK_CREATE = 0, 2, 5, 28
_MAP_TYPE_XSKMAP = 17
_PROG_TYPE_XDP = 6
_ATTACH_XDP = 37
_XDP_HAS_FRAGS = 1 << 5  #: BPF_F_XDP_HAS_FRAGS: frames of several pages are welcome
_XDP_PASS = 2
_REDIRECT_MAP = 51
_RX_QUEUE_INDEX = 16  #: in struct xdp_md
_PSEUDO_MAP_FD = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command: int, attributes: bytes) -> int:
    """The system call; what it returns. Raises OSError."""
    area = ctypes.create_string_buffer(attributes, 128)
    result: int = _libc.syscall(_SYS_BPF, command, area, 128)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def instruction(code: int, dst: int = 0, src: int = 0, offset: int = 0, value: int = 0) -> bytes:
    return struct.pack("<BBhi", code, src << 4 | dst, offset, value)


def socket_map(queues: int) -> int:
    """A map from receive queues to sockets; its descriptor."""
    return _bpf(_MAP_CREATE, struct.pack("<IIIII", _MAP_TYPE_XSKMAP, 4, 4, queues, 0))


def enter(sockets: int, queue: int, socket: int) -> None:
    """Let a queue's frames go to a socket."""
    key, value = ctypes.c_uint32(queue), ctypes.c_uint32(socket)
    _bpf(_MAP_UPDATE_ELEM, struct.pack("<I4xQQQ", sockets, ctypes.addressof(key), ctypes.addressof(value), 0))


def program(sockets: int) -> int:
    """A program that sends each frame to its queue's socket, or to Linux if the queue has none; its descriptor."""
    code = b"".join(
        [
            instruction(0x61, 2, 1, _RX_QUEUE_INDEX),  # r2 = ctx->rx_queue_index
            instruction(0x18, 1, _PSEUDO_MAP_FD, value=sockets),  # r1 = the map
            instruction(0x00),
            instruction(0xB7, 3, value=_XDP_PASS),  # r3 = what to do otherwise
            instruction(0x85, value=_REDIRECT_MAP),
            instruction(0x95),
        ]
    )
    return load(_PROG_TYPE_XDP, code, _XDP_HAS_FRAGS)


def load(kind: int, code: bytes, flags: int = 0) -> int:
    """Give a program to the kernel; its descriptor. Raises OSError with the verifier's last words."""
    kept, licence = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
    report = ctypes.create_string_buffer(65536)
    attributes = struct.pack(
        "<IIQQIIQII16s",
        kind,
        len(code) // 8,
        ctypes.addressof(kept),
        ctypes.addressof(licence),
        1,
        len(report),
        ctypes.addressof(report),
        0,
        flags,
        b"weft",
    )
    try:
        return _bpf(_PROG_LOAD, attributes)
    except OSError as error:
        why = report.value.decode(errors="replace").strip().splitlines()[-1:]
        raise OSError(error.errno, f"the kernel refuses a BPF program: {error.strerror} {' '.join(why)}") from None


def attach(program: int, index: int) -> int:
    """Let a Linux interface's frames pass a program, in its driver if that can; the attachment's descriptor."""
    return _bpf(_LINK_CREATE, struct.pack("<IIII", program, index, _ATTACH_XDP, 0))
