"""Whatever comes in, nothing but CliError comes out, and it is one line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weft.core.cli import Cli, CliError
from weft.core.cli.editor import Editor, Event
from weft.core.cli.pager import Pager
from weft.core.cli.telnet import GREETING, Telnet, terminal_type, window_size
from weft.core.config import Config, ConfigError

from .conftest import Engine, commands

WORDS = st.sampled_from(
    [
        "show",
        "set",
        "int",
        "interface",
        "l2",
        "bridge",
        "loop0",
        "loop9",
        "2",
        "999999999999",
        "bvi",
        "uu-fwd",
        "ip",
        "route",
        "add",
        "10.0.0.0/8",
        "via",
        "drop",
        "weight",
        "packet-generator",
        "new",
        "{",
        "}",
        "name",
        "data",
        "pcap",
        "?",
        "#",
        '"',
        '"a b"',
        "help",
        "echo",
        "set log",
        "many",
        "x" * 300,
        "\x00",
        "\udc80",
        "é",
        "\u2028",
        "",
    ]
)
KEYS = "\x1b[ABCDO~13;\x01\x05\x0b\x15\x17\x19\x04\x7f\x10\x0e"
LINES = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join))
FAST = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def hostile_cli() -> Cli:
    return Cli(commands())


@FAST
@given(line=LINES)
def test_any_line_runs_or_is_refused_in_one_line(hostile_cli: Cli, line: str) -> None:
    try:
        assert isinstance(hostile_cli.run(Engine(), line), str)
    except CliError as error:
        message = str(error)
        assert message and message.isprintable() and "internal error" not in message
    assert all(isinstance(word, str) for word in hostile_cli.complete(Engine(), line))


@FAST
@given(data=st.binary(max_size=200), cut=st.integers(0, 200))
def test_telnet_reads_the_same_in_any_pieces(data: bytes, cut: int) -> None:
    whole, pieces = Telnet(), Telnet()
    assert pieces.feed(data[:cut]) + pieces.feed(data[cut:]) == whole.feed(data)
    assert (pieces.terminal, pieces.columns, pieces.rows) == (whole.terminal, whole.columns, whole.rows)


def test_telnet_tells_terminal_and_window() -> None:
    telnet = Telnet()
    assert telnet.feed(b"a" + terminal_type("xterm") + b"b" + window_size(255, 50) + b"c\xff\xff") == b"abc\xff"
    assert (telnet.terminal, telnet.columns, telnet.rows) == ("xterm", 255, 50)
    assert telnet.feed(GREETING) == b""
    assert telnet.feed(bytes((255, 250)) + b"x" * 100000 + bytes((255, 240)) + b"y") == b"y"


@FAST
@given(keys=st.text(st.one_of(st.characters(), st.sampled_from(KEYS)), max_size=80))
def test_the_editor_takes_any_keys(keys: str) -> None:
    editor = Editor("weft# ", ["one", "two"])
    for event in editor.feed(keys):
        if event is Event.LINE:
            editor.take_line()
        assert 0 <= editor.cursor <= len(editor.text)
    editor.take_output()


@FAST
@given(
    text=st.text(st.sampled_from("ab\n"), max_size=300),
    columns=st.integers(0, 20),
    rows=st.integers(0, 10),
    keys=st.text(st.sampled_from(" \r"), min_size=300, max_size=300),
)
def test_the_pager_shows_everything_once(text: str, columns: int, rows: int, keys: str) -> None:
    pager = Pager(text, columns, rows)
    shown = pager.first()
    for key in keys:
        shown += "" if pager.done else pager.key(key) or ""
    assert shown == text + "\n"


@FAST
@given(
    text=st.one_of(
        st.text(max_size=80),
        st.lists(
            st.sampled_from(
                [
                    "unix",
                    "cpu",
                    "{",
                    "}",
                    "workers",
                    "2",
                    "plugin",
                    "plugins",
                    "default",
                    "exec",
                    "x",
                    '"',
                    "#",
                    "\n",
                    "statseg",
                    "size",
                    "1G",
                    "data-size",
                    "buffers",
                    "-1",
                    "\x00",
                ]
            ),
            max_size=25,
        ).map(" ".join),
    )
)
def test_any_configuration_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        config = Config.from_text(text, "x.conf")
        reports: list[Any] = config.unknown()
    except ConfigError as error:
        reports = [error]
    for report in reports:
        assert str(report).startswith("x.conf:") and "\n" not in str(report)
