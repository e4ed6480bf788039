"""The packet generator's commands."""

from __future__ import annotations

from pathlib import Path

from weft.core.cli import argument, command
from weft.core.engine import Engine
from weft.core.model import Invalid
from weft.core.runtime import FRAME_SIZE
from weft.features.ethernet.format import format_frame
from weft.features.interface.model import Interface, Interfaces
from weft.features.pcap import file as pcap_file
from weft.features.pg.description import describe
from weft.features.pg.device import Mode, Options, options_of
from weft.features.pg.edit import Range, Words, number
from weft.features.pg.model import PacketGenerator, RunningStream
from weft.features.vlib.format import centred, exponent, joined


def _stream_names(engine: Engine, prefix: str) -> list[str]:
    return list(engine[PacketGenerator].streams)


@argument("stream", "the name of a stream", complete=_stream_names, free=True)
def _stream(engine: Engine, word: str) -> str:
    return word


# --- interfaces


@command(
    "create packet-generator interface",
    "<name> [gso-enabled gso-size <gso-size:u32> [coalesce-enabled]] [csum-offload-enabled] "
    "[mode <mode:ethernet|ip4|ip6>]",
    help="Create an interface for streams: pg0, pg1, ...; of frames, or of packets without layer 2",
)
def create_interface(
    engine: Engine,
    name: str,
    gso_size: int | None = None,
    coalesce_enabled: bool = False,
    csum_offload_enabled: bool = False,
    mode: str = "ethernet",
) -> None:
    if gso_size == 0:
        raise Invalid("gso-size is the size of segments in bytes: 1 or more")
    options = Options(Mode(mode), gso_size or 0, csum_offload_enabled)
    interface = engine[PacketGenerator].create(name, options)
    if coalesce_enabled:
        engine[PacketGenerator].set_coalescing(interface, True)


@argument("pg-index", "the number of an interface")
def _by_number(engine: Engine, word: str) -> Interface:
    found = engine[Interfaces].by_index.get(int(word)) if word.isdecimal() else None
    if found is None:
        raise ValueError("unknown interface number")
    return found


@command(
    "delete packet-generator interface",
    "( <interface> | sw_if_index <number:pg-index> )",
    help="Delete an interface, its streams and captures",
)
def delete_interface(engine: Engine, interface: Interface | None = None, number: Interface | None = None) -> None:
    chosen = interface or number
    assert chosen is not None
    engine[PacketGenerator].delete_interface(chosen)


# --- streams

OPTIONS = (
    "[name <name>] [limit <limit:float>] [rate <rate:float>] [size <size:word>] [maxframe <maxframe:u32>] "
    "[worker <worker:u32>] [interface <interface>] [source <source:interface>] [node <node>] [pcap <pcap:path>] "
    "[buffer-bytes <buffer-bytes:u32>] [data <data:block>]"
)


@command(
    "packet-generator new",
    f"( {{ {OPTIONS} }} | {OPTIONS} )",
    help="Make a stream of packets from a description or from a pcap file",
)
def new(
    engine: Engine,
    name: str = "",
    limit: float = 0,
    rate: float = 0,
    size: str = "",
    maxframe: int = FRAME_SIZE,
    worker: int | None = None,
    interface: Interface | None = None,
    source: Interface | None = None,
    node: str | None = None,
    pcap: Path | None = None,
    buffer_bytes: int = 0,
    data: str | None = None,
) -> None:
    """``interface`` is where packets seem to come in; ``source`` says the same, as VPP's pcap streams have it. They
    start where its mode has them start, unless a node is named.
    """
    generator = engine[PacketGenerator]
    where = interface or source
    if not name:
        raise Invalid("a stream needs a name: name NAME")
    if where is None:
        raise Invalid("a stream needs an interface that its packets come in by: interface NAME")
    if (pcap is None) == (data is None):
        raise Invalid("a stream needs either data { ... } or pcap FILE")
    if name in generator.streams:
        raise Invalid(f"stream {name} already exists")
    count, remake = _whole(limit), None
    if pcap is not None:
        if size:
            raise Invalid("packets of a file have their own size")
        packets = _read(pcap)
        count = count or len(packets)
    else:
        remake = describe(data or "", node or options_of(where).mode.node).packets
        packets = remake(_sizes(size), count)
    thread = None if worker is None else _thread(engine, worker)
    made = generator.add(name, where, packets, limit=count, rate=rate, node=node, batch=maxframe, thread=thread)
    made.remake = remake


def _whole(limit: float) -> int:
    if limit < 0 or limit > 2**62:
        raise Invalid(f"limit {limit:g}: expected a number of packets, or 0 for no end")
    return int(limit)


def _sizes(text: str) -> Range | None:
    """``64``, ``64-1500`` (one after the other) or ``64+1500`` (at random)."""
    words = Words(text)
    if not words:
        return None
    sizes = words.range(number(16), "a size in bytes, such as 64-1500")
    if words:
        raise Invalid(f"expected a size such as 64-1500, got `{text}'")
    return sizes


def _read(path: Path) -> list[bytes]:
    try:
        packets = [packet.data for packet in pcap_file.read(path) if packet.data]
    except pcap_file.PcapError as error:
        raise Invalid(str(error)) from None
    if not packets:
        raise Invalid(f"{path}: no packets in it")
    return packets


def _thread(engine: Engine, worker: int) -> int:
    if worker >= engine.workers.count:
        raise Invalid(f"no worker {worker}: there are {engine.workers.count}, counted from 0")
    return worker + 1


@command(
    "packet-generator enable-stream",
    "[<name:stream>]",
    aliases=("packet-generator enable",),
    help="Let a stream run, or all",
)
def enable_stream(engine: Engine, name: str | None = None) -> None:
    generator = engine[PacketGenerator]
    for each in generator.named(name):
        generator.enable(each)


@command(
    "packet-generator disable-stream",
    "[<name:stream>]",
    aliases=("packet-generator disable",),
    help="Stop a stream, or all",
)
def disable_stream(engine: Engine, name: str | None = None) -> None:
    generator = engine[PacketGenerator]
    for each in generator.named(name):
        generator.disable(each)


@command("packet-generator delete", "<name:stream>", help="Delete a stream")
def delete(engine: Engine, name: str) -> None:
    engine[PacketGenerator].delete(name)


@command(
    "packet-generator configure",
    "<name:stream> [limit <limit:float>] [rate <rate:float>] [size <size:word>] [maxframe <maxframe:u32>]",
    help="Change a stream's limit or rate, its packets' size, or how many it sends at a time",
)
def configure(
    engine: Engine,
    name: str,
    limit: float | None = None,
    rate: float | None = None,
    size: str = "",
    maxframe: int | None = None,
) -> None:
    if limit is None and rate is None and maxframe is None and not size:
        raise Invalid("nothing to change: name limit, rate, size or maxframe")
    most = None if limit is None else _whole(limit)
    engine[PacketGenerator].configure(name, limit=most, rate=rate, batch=maxframe, size=_sizes(size))


# --- captures


@command(
    "packet-generator capture",
    "<interface> ( pcap <pcap:path> [count <count:u32>] [disable] | disable )",
    help="Write what leaves by an interface into a pcap file; end that",
)
def capture(
    engine: Engine, interface: Interface, pcap: Path | None = None, count: int = 0, disable: bool = False
) -> str | None:
    generator = engine[PacketGenerator]
    if not disable and pcap is not None:
        generator.capture_to(interface, pcap, count)
        return None
    ended = generator.end_capture_to(interface)
    if ended is None:
        return None
    path, packets, missed = ended
    lost = f"; {missed} more found no room" if missed else ""
    return f"Write {packets} packets to {path}{lost}\n"


# --- what there is


@command("show packet-generator", "[<name:stream>] [verbose]", help="Show streams")
def show(engine: Engine, name: str | None = None, verbose: bool = False) -> str:
    generator = engine[PacketGenerator]
    generator.settle()
    streams = [generator.streams[each] for each in generator.named(name)]
    if not streams:
        return "no streams currently defined\n"
    lines = [f"{'Name':<16}{centred('Enabled', 12)}{centred('Count', 16)}{centred('Parameters', 16)}"]
    for stream in streams:
        lines.append(_row(engine, stream))
        if verbose:
            lines += [f"  {line}" for line in format_frame(stream.sample[:128])]
    return joined(lines)


def _row(engine: Engine, stream: RunningStream) -> str:
    # One that has just ended is not settled: its packets may be on their way still.
    enabled = "No" if stream.queue is None else "Yes"
    thread = stream.thread or engine.workers.forwarding[0]
    parameters = [
        f"limit {stream.limit}",
        f"rate {exponent(stream.rate, 2)} pps",
        f"size {stream.sizes[0]}-{stream.sizes[1]}",
        f"packets {stream.row.count}",
        f"worker {max(thread - 1, 0)}",
        f"interface {stream.interface.name}",
        f"node {stream.node}",
    ]
    return f"{stream.name[:16]:<16}{centred(enabled, 12)}{centred(stream.row.sent, 16)}  {', '.join(parameters)}"
