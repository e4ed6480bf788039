"""The engine's own show commands print what VPP's print, in VPP's columns (as its transcript has them)."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Iterator

import pytest
from scapy.layers.l2 import Ether

from weft import Engine
from weft.core.cli import CliError
from weft.core.levels import SYSLOG
from weft.core.node import ERROR_OWNERS, ERRORS
from weft.core.runtime import MAX_NODES, runtimes, workers
from weft.features.interface.model import Interfaces
from weft.features.pg.model import PacketGenerator
from weft.features.vlib.errors import row as error_row
from weft.features.vlib.format import centred, exponent, fixed

RUNTIME_HEADING = (
    "             Name                 State         Calls          Vectors        Suspends      Packet-Clocks   "
    "Vectors/Call"
)


class TestNumbers:
    """As VPP's own printf prints them; the examples are from its transcript."""

    @pytest.mark.parametrize(
        ("value", "digits", "text"),
        [
            (5660, 2, "5.66e3"),
            (10100, 2, "1.01e4"),
            (56.0, 2, "5.60e1"),
            (0.0, 4, "0.0000e0"),
            (0.071882, 4, "7.1882e-2"),
        ],
    )
    def test_exponent(self, value: float, digits: int, text: str) -> None:
        assert exponent(value, digits) == text

    @pytest.mark.parametrize(
        ("value", "text"), [(0.0084, ".01"), (1.0, "1.00"), (0, "0.00"), (1.667, "1.67"), (0.001, "0.00")]
    )
    def test_fixed(self, value: float, text: str) -> None:
        assert fixed(value, 2) == text

    def test_centred(self) -> None:
        assert centred("Count", 10) == "   Count  "
        assert centred("Name", 30) == " " * 13 + "Name" + " " * 13
        assert centred("interrupt wait", 12) == "interrupt wa"


def stream(engine: Engine, count: int, packet: bytes = bytes(60)) -> None:
    """So many packets that ethernet-input drops."""
    if "pg0" not in engine[Interfaces].by_name:
        engine[Interfaces].set_admin(engine[PacketGenerator].create("pg0"), True)
    engine[PacketGenerator].send(engine[Interfaces]["pg0"], [packet] * count)


class TestRuntime:
    def test_columns(self, lab) -> None:
        stream(lab.engine, 6)
        lines = lab.cli("show runtime").splitlines()
        assert re.fullmatch(
            r"Time \d*\.\d, 10\.000000 sec internal node vector rate 6\.00 loops/sec \d*\.\d\d", lines[0]
        )
        assert re.fullmatch(r"  vector rates in \S+, out 0\.0000e0, drop \S+, punt 0\.0000e0", lines[1])
        assert lines[2] == RUNTIME_HEADING
        rows = {line[:30].rstrip(): line for line in lines[3:]}
        assert list(rows) == sorted(rows)
        row = rows["ethernet-input"]
        assert row[30:42] == "   active   "
        assert [int(row[at : at + 16]) for at in (42, 58, 74)] == [1, 6, 0]
        assert re.fullmatch(r" +\d\.\d\de\d+", row[90:106])
        assert row[106:] == "            6.00"
        assert rows["pg-input"][30:42].strip() == "disabled"

    def test_nodes_without_calls_show_only_in_full(self, lab) -> None:
        assert "\ndrop " not in lab.cli("show runtime")
        assert "\ndrop " in lab.cli("show runtime verbose")

    def test_summary(self, lab) -> None:
        assert len(lab.cli("show runtime summary").splitlines()) == 2

    def test_max(self, lab) -> None:
        stream(lab.engine, 5)
        lines = lab.cli("show runtime max").splitlines()
        assert lines[2].split("  ")[0] == ""
        assert "Max Node Clocks" in lines[2]
        row = next(line for line in lines if line.startswith("error-drop"))
        assert row[47:63].strip() == "5"

    def test_clear(self, lab) -> None:
        stream(lab.engine, 5)
        lab.cli("clear runtime")
        assert lab.cli("show runtime").splitlines()[3:] == []
        assert lab.engine.graph.runtime("error-drop", 0).next_vectors[0] == 0
        stream(lab.engine, 2)
        row = next(line for line in lab.cli("show runtime").splitlines() if line.startswith("error-drop"))
        assert row.split()[2:4] == ["1", "2"]


class TestErrors:
    def test_columns(self, lab) -> None:
        assert lab.cli("show errors") == (
            "   Count                  Node                              Reason               Severity\n"
        )
        stream(lab.engine, 12)
        row = lab.cli("show errors").splitlines()[1]
        # Columns of 10, 35, 35 and 10, the text in their middle: compare the transcript's lines.
        between = [" " * n for n in (8, 11, 20, 13)]
        assert row == "".join(
            map("".join, zip(between, ("12", "ethernet-input", "l3 mac mismatch", "error"), strict=True))
        )

    def test_lines_of_the_transcript(self) -> None:
        for line in (
            "         1             arp-reply                       ARP replies sent            info",
            "         1             ip4-input                         ip4 ttl <= 1              error",
            "         1           ip4-icmp-error            hop limit exceeded response sent    info",
            "         4             l2-output                      L2 output packets            error",
            "         1              l2-flood                       L2 flood packets            error",
        ):
            count, node, reason, severity = re.split(r"\s{2,}", line.strip())
            assert error_row(f"{count:>10}", node, reason, severity, "").rstrip() == line

    def test_verbose_is_by_thread(self, lab) -> None:
        stream(lab.engine, 3)
        lines = lab.cli("show errors verbose").splitlines()
        assert lines[0].endswith("Index")
        assert lines[1] == "Thread 0 (vpp_main):"
        assert lines[3] == "Total:"
        assert lines[2] == lines[4]
        assert int(lines[2].split()[-1]) == next(n for n, each in enumerate(ERRORS) if each.text == "l3 mac mismatch")

    def test_clear(self, lab) -> None:
        stream(lab.engine, 3)
        lab.cli("clear errors")
        assert len(lab.cli("show errors").splitlines()) == 1

    def test_every_error_has_a_node_that_shows_it(self, lab) -> None:
        assert [error for error in ERRORS if not ERROR_OWNERS[type(error)]] == []


@pytest.fixture(scope="class")
def workers_engine() -> Iterator[Engine]:
    """Two workers with a stream each of 500 and 1000 packets that were dropped."""
    with Engine(workers=2, interpret=False) as engine:
        generator = engine[PacketGenerator]
        port = generator.create("pg0")
        engine[Interfaces].set_admin(port, True)
        for thread in (1, 2):
            generator.add(f"s{thread}", port, [bytes(60)], limit=500 * thread, thread=thread)
            generator.enable(f"s{thread}")
        deadline = time.monotonic() + 5
        while any(each.enabled for each in generator.streams.values()) and time.monotonic() < deadline:
            time.sleep(0.01)
        engine.workers.quiesce()
        yield engine


class TestThreads:
    def test_runtime_has_a_block_a_thread(self, workers_engine: Engine) -> None:
        text = workers_engine.cli("show runtime")
        first, second, third = text.split("---------------\n")
        assert first.startswith("Thread 0 vpp_main")
        assert re.match(r"Thread 1 vpp_wk_0( \(lcore \d+\))?\nTime ", second)
        assert third.startswith("Thread 2 vpp_wk_1")
        for block, packets in ((second, 500), (third, 1000)):
            rows = {line.split()[0]: line for line in block.splitlines()[4:]}
            assert int(rows["ethernet-input"][58:74]) == packets
            assert int(rows["drop"][58:74]) == packets
        assert "ethernet-input" not in first

    def test_errors_are_summed(self, workers_engine: Engine) -> None:
        assert workers_engine.cli("show errors").splitlines()[1].split()[0] == "1500"
        verbose = workers_engine.cli("show errors verbose").splitlines()
        at = verbose.index("Thread 2 (vpp_wk_1):")
        assert verbose[at - 1].split()[0] == "500"
        assert verbose[at + 1].split()[0] == "1000"
        assert verbose[-1].split()[0] == "1500"

    def test_traces_have_a_block_a_thread(self, workers_engine: Engine) -> None:
        assert workers_engine.cli("show trace") == "".join(
            f"------------------- Start of thread {thread} {name} -------------------\nNo packets in trace buffer\n"
            for thread, name in enumerate(("vpp_main", "vpp_wk_0", "vpp_wk_1"))
        )

    def test_show_threads(self, workers_engine: Engine) -> None:
        heading, *rows = workers_engine.cli("show threads").splitlines()
        assert heading == (
            "ID     Name                Type        LWP     Sched Policy (Priority)  lcore  Core   Socket State"
        )
        assert [row.split()[:2] for row in rows] == [["0", "vpp_main"], ["1", "vpp_wk_0"], ["2", "vpp_wk_1"]]
        assert [row[27:34] for row in rows[1:]] == ["workers", "workers"]
        assert {int(row[39:47]) for row in rows} == set(workers_engine.workers.lwp.values())
        assert rows[0][47:72].strip() == "other (0)"

    def test_node_vectors_are_summed(self, workers_engine: Engine) -> None:
        row = next(line for line in workers_engine.cli("show node error-drop").splitlines() if line.endswith("1500"))
        assert row.split()[2:] == ["drop", "1500"]

    def test_clear_runtime_clears_all(self, workers_engine: Engine) -> None:
        workers_engine.cli("clear runtime")
        index = workers_engine.graph["drop"].index
        assert [runtimes[thread * MAX_NODES + index].vectors for thread in (1, 2)] == [0, 0]


def test_a_thread_s_core_is_shown() -> None:
    with Engine(workers=1, corelist=[0], interpret=False) as engine:
        deadline = time.monotonic() + 5
        while "vpp_wk_0 (lcore 0)" not in engine.cli("show runtime") and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "Thread 1 vpp_wk_0 (lcore 0)\n" in engine.cli("show runtime")


class TestNode:
    def test_layout(self, lab) -> None:
        drop, other = lab.engine.graph["drop"].index, lab.engine.graph["error-drop"].index
        lines = lab.cli("show node error-drop").splitlines()
        assert lines[0] == f"node error-drop, type internal, state active, index {other}"
        assert lines[1:3] == [
            "  node function variants:",
            "    Name             Priority  Active  Description",
        ]
        assert re.fullmatch(r"    default                 0    yes   (compiled|interpreted)", lines[3])
        assert lines[4:7] == [
            "",
            "  next nodes:",
            "    next-index  node-index               Node               Vectors",
        ]
        assert lines[7].split() == ["0", str(drop), "drop", "0"]
        assert lines[8:10] == ["", "  known previous nodes:"]
        cells = re.findall(r"(\S+) \((\d+)\)", "\n".join(lines[10:]))
        indices = [int(index) for _, index in cells]
        assert indices == sorted(indices)
        assert ("ethernet-input", str(lab.engine.graph["ethernet-input"].index)) in cells
        assert all(line[39:40] in ("", *"abcdefghijklmnopqrstuvwxyz") for line in lines[10:])

    def test_vectors(self, lab) -> None:
        stream(lab.engine, 7)
        assert "drop                  7" in lab.cli("show node error-drop")

    def test_input_nodes(self, lab) -> None:
        stream(lab.engine, 1)
        assert "type input, state disabled" in lab.cli("show node pg-input")
        lab.cli("packet-generator new { name s rate 1 interface pg0 data { hex 0x00 } }")
        lab.cli("packet-generator enable-stream s")
        assert "type input, state polling" in lab.cli("show node pg-input")

    def test_unknown(self, lab) -> None:
        with pytest.raises(CliError, match="show node: unknown node `nonsense'"):
            lab.cli("show node nonsense")

    def test_all(self, lab) -> None:
        assert lab.cli("show node").split() == sorted(lab.engine.graph.by_name)
        assert "error-drop" in lab.cli("show vlib graph drop")


class TestMemory:
    def test_buffers(self, lab) -> None:
        heading, row = lab.cli("show buffers").splitlines()
        assert heading == "Pool Name            Index NUMA  Size  Data Size  Total  Avail  Cached   Used"
        assert row == "default-numa-0         0     0   2304     2048    16808  16808     0       0"
        stream(lab.engine, 3)
        total, free, cached, used = map(int, lab.cli("show buffers").splitlines()[1].split()[-4:])
        assert (used, free + cached) == (0, total)
        assert cached == workers[0].cache.count > 0

    def test_memory(self, lab) -> None:
        text = lab.cli("show memory")
        for name in ("static", "counters", "heap", "buffers"):
            assert f"name 'weft-{name}'" in text
        assert "sw-interfaces" in lab.cli("show memory verbose")
        before = int(lab.engine.arena.heap_used())
        address = lab.engine.arena.allocate(1 << 30)
        assert before < 1 << 20
        assert "used: 1" in lab.cli("show memory main-heap")
        lab.engine.arena.release(address)
        assert len(lab.cli("show memory map").splitlines()) == 5
        assert "weft-buffers" in lab.cli("show physmem")


class TestLog:
    def test_messages(self, lab) -> None:
        lab.engine.log.error("first %d", 1)
        logging.getLogger("weft.cli").warning("two\nlines")
        first, second, third = lab.cli("show log").splitlines()
        assert re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d:\d{3} error      engine         first 1", first)
        assert re.fullmatch(r"\S+ \S+ warn       cli            two", second)
        assert third.strip() == "lines"
        lab.cli("clear log")
        assert lab.cli("show log") == ""

    def test_levels(self, lab) -> None:
        log = logging.getLogger("weft")
        before = log.level, logging.getLogger("weft.cli").level
        try:
            lab.cli("set logging level debug")
            lab.cli("set logging class cli level error")
            lab.engine.log.debug("seen")
            logging.getLogger("weft.cli").warning("not seen")
            assert "seen" in lab.cli("show log")
            assert "not seen" not in lab.cli("show log")
            lab.cli("set logging class cli syslog-level crit")
            shown = lab.cli("show logging configuration")
            assert re.search(r"^cli +error +crit$", shown, re.MULTILINE)
            assert re.search(r"^  Log Level: +debug$", shown, re.MULTILINE)
        finally:
            log.setLevel(before[0])
            logging.getLogger("weft.cli").setLevel(before[1])
            SYSLOG.pop("cli", None)
        with pytest.raises(CliError, match="expected one of"):
            lab.cli("set logging level loud")
        with pytest.raises(CliError, match="expected one of"):
            lab.cli("set logging class nonsense level info")

    def test_size(self, lab) -> None:
        lab.cli("set logging size 2")
        for number in range(3):
            lab.engine.log.error("message %d", number)
        assert [line.split()[-1] for line in lab.cli("show logging").splitlines()] == ["1", "2"]
        assert "Buffer Size:         2 entries" in lab.cli("show logging configuration")

    def test_a_mistake_is_named(self, lab) -> None:
        try:
            raise RuntimeError("strange")
        except RuntimeError:
            lab.engine.log.exception("it failed")
        assert "RuntimeError: strange" in lab.cli("show log")


def test_what_the_operating_system_refused(lab) -> None:
    assert lab.cli("show unix errors") == "no Unix errors so far"
    for reason in ("first", "second"):
        try:
            raise OSError(2, reason)
        except OSError:
            lab.engine.log.exception("cannot open")
    lab.engine.log.error("something else")
    total, second, first, now = lab.cli("show unix errors").splitlines()
    assert total == "2 total errors seen"
    assert re.fullmatch(r"\d\d:\d\d:\d\d:\d{6}: cannot open: \[Errno 2\] second", second)
    assert first.endswith("first") and re.fullmatch(r"\d\d:\d\d:\d\d:\d{6}: time now", now)
    assert "first" not in lab.cli("show unix errors 1")


def test_the_clock_moves_ageing_and_traces(lab) -> None:
    """As VPP's tests sleep: an entry ages while the clock is turned, and a later packet's trace is later."""
    a, _ = lab.pg(2)
    lab.cli(
        """
        create bridge-domain 7 mac-age 1
        set interface l2 bridge pg0 7
        set interface l2 bridge pg1 7
        trace add pg-input 2
        """
    )
    frame = Ether(src="02:00:00:00:00:01", dst="ff:ff:ff:ff:ff:ff") / (b"x" * 50)
    lab.send(a, frame)
    assert "02:00:00:00:00:01" in lab.cli("show l2fib verbose")
    before = lab.engine.timers.seconds
    lab.cli("set clock adjust 3600.5")
    assert lab.engine.timers.seconds - before >= 3600.5
    assert "02:00:00:00:00:01" not in lab.cli("show l2fib verbose")
    lab.send(a, frame)
    hours = re.findall(r"^(\d\d):\d\d:\d\d:\d{6}: pg-input$", lab.cli("show trace"), re.MULTILINE)
    assert hours == ["00", "01"]
    for seconds in ("-1", "1e9"):
        with pytest.raises(CliError, match="the clock can be turned forward by 0 to 604800 seconds"):
            lab.cli(f"set clock adjust {seconds}")


def test_hash_tables_and_tries(lab) -> None:
    lab.cli("create bridge-domain 7\ncreate loopback interface\nset interface l2 bridge loop0 7 bvi")
    for number in range(1, 301):
        lab.cli(f"l2fib add 02:00:00:00:{number >> 8:02x}:{number & 255:02x} 7 loop0 static")
    shown = lab.cli("show bihash")
    table = shown[shown.index("Hash table 'l2fib'") :]
    elements, active = map(int, re.search(r"(\d+) active elements (\d+) active buckets", table).groups())
    assert elements == 301 and 301 / 4 <= active <= 301
    verbose = lab.cli("show bihash detail")
    verbose = verbose[verbose.index("Hash table 'l2fib'") :].partition("\n\n")[0]
    fill = [(int(entries), int(count)) for entries, count in re.findall(r"\[(\d) elements\] (\d+) b", verbose)]
    assert sum(count for _, count in fill) == int(re.search(r"(\d+) buckets of 4", verbose)[1])
    assert sum(entries * count for entries, count in fill) == 301
    before = int(re.search(r"(\d+) lines of plies in use", shown)[1])
    lab.cli("ip table add 5\nip route add 10.1.2.3/32 table 5 via drop")
    assert int(re.search(r"(\d+) lines of plies in use", lab.cli("show bihash"))[1]) > before


def test_plugins(lab) -> None:
    assert re.search(r"^ *\d+\. l2 +\d+\.\d+\.\d+\n     Layer 2: ", lab.cli("show plugins"), re.MULTILINE)


def test_version(lab) -> None:
    assert lab.cli("show version").startswith("weft v")
    verbose = lab.cli("show version verbose")
    assert re.search(r"^Packet code: +(compiled|interpreted)$", verbose, re.MULTILINE)
    assert re.search(r"^Current PID: +\d+$", verbose, re.MULTILINE)
    assert lab.cli("show version cmdline").splitlines()[1:] == [f"  {word}".rstrip() for word in sys.argv]


def test_clock_and_cpu(lab) -> None:
    assert re.fullmatch(r"Time now \d+\.\d{6}, \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\n", lab.cli("show clock"))
    assert "clocks/sec" in lab.cli("show clock verbose")
    assert "Base frequency:" in lab.cli("show cpu")


def test_punt_reasons(lab) -> None:
    heading, *rows = lab.cli("show punt reasons").splitlines()
    assert heading.split() == ["Index", "Reason", "Rate/s", "Burst", "Punted", "Refused"]
    assert rows
    assert lab.cli("show punt stats") == lab.cli("show punt reasons")


def test_all_commands_are_listed(lab) -> None:
    names = lab.cli("show cli").splitlines()
    assert "show cli" in names
    assert any(line.startswith("show runtime [max]") for line in names)


def test_every_argument_type_exists(lab) -> None:
    lab.engine.commands.table.check()
