"""Clients of the binary API whose speed ``bench.api`` measures, each in a process of its own.

``python -m bench.api_clients KIND SOCKET WHAT COUNT`` gets ready, waits for a line on standard input, works, and prints
what it took: seconds, and seconds of its own processor time.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from glob import glob
from pathlib import Path
from typing import Any, cast

import click
from vpp_papi import VPPApiClient
from vpp_papi.vpp_papi_async import VPPApiClient as AsyncClient

from weft.apifiles import write_files
from weft.core import features

NEXT_HOP, INTERFACE = "10.0.1.2", 2
FRAME = struct.Struct(">QII")
AT_ONCE = 100  #: requests that the raw client sends with one call
AHEAD = 20_000  #: requests that it sends before it has read their replies


def path() -> dict[str, Any]:
    """The one path of all routes."""
    label = {"is_uniform": 0, "label": 0, "ttl": 0, "exp": 0}
    return {
        "sw_if_index": INTERFACE,
        "weight": 1,
        "nh": {"address": {"ip4": NEXT_HOP}},
        "n_labels": 0,
        "label_stack": [label] * 16,
    }


def route(number: int) -> dict[str, Any]:
    """A host route: one in forty addresses has one."""
    at = 40 * number
    prefix = f"20.{at >> 16}.{at >> 8 & 255}.{at & 255}/32"
    return {"table_id": 0, "prefix": prefix, "n_paths": 1, "paths": [path()]}


#: What is asked: the message, and its fields by number.
REQUESTS: dict[str, tuple[str, Callable[[int], dict[str, Any]]]] = {
    "tag": ("sw_interface_tag_add_del", lambda n: {"is_add": True, "sw_if_index": 1, "tag": f"tag {n}"}),
    "ping": ("control_ping", lambda n: {}),
    "loopback": ("create_loopback", lambda n: {}),
    "route": ("ip_route_add_del", lambda n: {"is_add": True, "route": route(n)}),
    "unroute": ("ip_route_add_del", lambda n: {"is_add": False, "route": route(n)}),
    "dump": ("sw_interface_dump", lambda n: {}),
}


def started(work: Callable[[], object]) -> None:
    """Say that all is ready, wait, work, and say what it took."""
    print("ready", flush=True)
    sys.stdin.readline()
    began, cpu = time.monotonic(), time.process_time()
    work()
    print(json.dumps({"seconds": time.monotonic() - began, "cpu": time.process_time() - cpu}), flush=True)


def in_turn(path: str, what: str, count: int) -> None:
    """A socket, and each request waits for the reply to the one before, as vpp_papi does: the head goes first, then the
    message. What two processes need to take turns.
    """
    connection, requests, _ = prepared(path, what, count)
    replies = messages(connection)

    def work() -> None:
        for request in requests:
            connection.sendall(request[: FRAME.size])
            connection.sendall(request[FRAME.size :])
            assert next(replies)[6:10] == bytes(4), "a request was refused"

    started(work)


def synchronous(path: str, what: str, count: int) -> None:
    """vpp_papi as most use it: each call waits for its reply."""
    vpp = VPPApiClient(bootstrapapi=True, server_address=path)
    vpp.connect("bench")
    name, fields = REQUESTS[what]
    call = getattr(vpp.api, name)

    def work() -> None:
        for n in range(count):
            reply = call(**fields(n))
            assert what == "dump" or reply.retval == 0

    started(work)
    vpp.disconnect()


def unwaiting(path: str, what: str, count: int) -> None:
    """vpp_papi with ``do_async``: calls return at once, replies come to a callback in another thread. It cannot learn
    the messages from the engine then, as it would not see the reply.
    """
    with tempfile.TemporaryDirectory() as folder:
        features.load()
        write_files(Path(folder))
        vpp = VPPApiClient(apifiles=glob(f"{folder}/*.api.json"), server_address=path)
    vpp.connect("bench", do_async=True)
    name, fields = REQUESTS[what]
    call = getattr(vpp.api, name)
    left, all_there = iter(range(count - 1)), threading.Event()
    vpp.register_event_callback(lambda kind, reply: next(left, None) is None and all_there.set())

    def work() -> None:
        for n in range(count):
            call(**fields(n))
        assert all_there.wait(300)

    started(work)


def with_asyncio(path: str, what: str, count: int) -> None:
    """vpp_papi's client for asyncio, with all calls under way at once."""

    async def connected() -> Any:
        vpp = AsyncClient(server_address=path)
        assert await vpp.connect("bench", asyncio.Queue()) == 0
        return vpp

    async def ask(vpp: Any) -> None:
        name, fields = REQUESTS[what]
        call = getattr(vpp.api, name)
        replies = await asyncio.gather(*[call(**fields(n)) for n in range(count)])
        assert what == "dump" or {reply.retval for reply in replies} == {0}

    with asyncio.Runner() as runner:
        vpp = runner.run(connected())
        started(lambda: runner.run(ask(vpp)))


def raw(path: str, what: str, count: int) -> None:
    """A socket: requests whose bytes were made before, replies that are looked at for errors only."""
    connection, requests, last = prepared(path, what, count)
    room = threading.Semaphore(AHEAD // AT_ONCE)

    def send() -> None:
        for at in range(0, len(requests), AT_ONCE):
            room.acquire()
            connection.sendall(b"".join(requests[at : at + AT_ONCE]))

    def work() -> None:
        sender = threading.Thread(target=send)
        sender.start()
        for number, reply in enumerate(messages(connection)):
            if reply[:2] == last:
                break
            if number % AT_ONCE == 0:
                room.release()
            assert what == "dump" or reply[6:10] == bytes(4), "a request was refused"
        sender.join()

    started(work)


def prepared(path: str, what: str, count: int) -> tuple[socket.socket, list[bytes], bytes]:
    """A client's socket, the requests' bytes with a control_ping at the end, and the number of the reply to that."""
    vpp = VPPApiClient(bootstrapapi=True, server_address=path)
    vpp.connect("bench")
    name, fields = REQUESTS[what]
    pack = getattr(vpp.api, f"{name}_pack")
    requests = [pack(**fields(n)) for n in range(count)] + [vpp.api.control_ping_pack()]
    last = vpp.transport.get_msg_index(f"control_ping_reply_{vpp.messages['control_ping_reply'].crc[2:]}")
    vpp.disconnect()
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)
    hello = struct.pack(">HI64s", 15, 1, b"raw")
    connection.sendall(framed(hello))
    next(messages(connection))
    return connection, [framed(request) for request in requests], last.to_bytes(2, "big")


def framed(message: bytes) -> bytes:
    """A message with what goes before it."""
    return FRAME.pack(0, len(message), 0) + message


def messages(connection: socket.socket) -> Iterator[memoryview]:
    """What comes, message by message."""
    data = bytearray()
    while more := connection.recv(1 << 18):
        data += more
        at, whole = 0, memoryview(bytes(data))
        while len(whole) - at >= FRAME.size:
            _, length, _ = FRAME.unpack_from(whole, at)
            if len(whole) - at < FRAME.size + length:
                break
            yield whole[at + FRAME.size : at + FRAME.size + length]
            at += FRAME.size + length
        del data[:at]


KINDS = {"raw": raw, "in turn": in_turn, "sync": synchronous, "do_async": unwaiting, "asyncio": with_asyncio}


@click.command()
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("path", metavar="SOCKET")
@click.argument("what", type=click.Choice(list(REQUESTS)))
@click.argument("count", type=int)
def main(kind: str, path: str, what: str, count: int) -> None:
    """Ask so many times."""
    cast("Callable[[str, str, int], None]", KINDS[kind])(path, what, count)


if __name__ == "__main__":
    main()
