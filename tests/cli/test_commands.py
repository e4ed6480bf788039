"""A line in, text out: words, abbreviations, arguments and errors."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from weft.core.cli import Cli, CliError, CommandTable, command

from .conftest import Engine


def refused(cli: Cli, engine: Engine, line: str) -> str:
    with pytest.raises(CliError) as error:
        cli.run(engine, line)
    assert engine.done == [], "a refused command did something"
    return str(error.value)


@pytest.mark.parametrize(
    "line",
    [
        "show interface address",
        "sh int addr",
        "sh interf a",
        "  sh\tint   addr  \r\n",
        "show int addr # with a comment",
    ],
)
def test_words_may_be_abbreviated(cli: Cli, engine: Engine, line: str) -> None:
    assert cli.run(engine, line) == "local0 (up):\nloop0 (up):\nloop1 (up):"


def test_an_exact_word_goes_before_longer_ones(engine: Engine) -> None:
    table = CommandTable()
    for words in ("show ip", "show ip6"):
        command(words, table=table)(lambda engine, words=words: words)
    assert Cli(table).run(engine, "sh ip") == "show ip"


def test_two_names_of_one_command_are_no_ambiguity(engine: Engine) -> None:
    table = CommandTable()
    command("show errors", aliases=("show error",), table=table)(lambda engine: "none")
    assert Cli(table).run(engine, "sh err") == "none"


def test_an_ambiguous_word_lists_what_it_could_be(cli: Cli, engine: Engine) -> None:
    assert refused(cli, engine, "set interface l2 bridge loop0 2 [") != ""
    assert refused(cli, engine, "s int") == "ambiguous input `s int'; could be set or show"


@pytest.mark.parametrize(
    ("rest", "wanted"),
    [
        ("loop1 2", (2, 2, False, False, 0)),
        ("loop1 2 bvi", (2, 2, True, False, 0)),
        ("loop1 2 b", (2, 2, True, False, 0)),
        ("loop1 0x10 bvi 7", (2, 16, True, False, 7)),
        ("loop1 2 7 uu-fwd", (2, 2, False, True, 7)),
    ],
)
def test_options_come_in_any_order(cli: Cli, engine: Engine, rest: str, wanted: tuple[object, ...]) -> None:
    assert cli.run(engine, f"set int l2 br {rest}") == ""
    assert engine.done == [wanted]


def test_repeated_groups_make_a_list(cli: Cli, engine: Engine) -> None:
    cli.run(engine, "ip route add 10.0.0.0/8 via 192.0.2.1 loop0 w 3 pref 1 via 192.0.2.2 via drop table 4")
    assert engine.done == [
        {
            "prefix": IPv4Interface("10.0.0.0/8"),
            "table": 4,
            "paths": [
                {"next_hop": IPv4Address("192.0.2.1"), "interface": 1, "weight": 3, "preference": 1},
                {"next_hop": IPv4Address("192.0.2.2")},
                {"drop": True},
            ],
        }
    ]


def test_braces_hold_options_and_raw_text(cli: Cli, engine: Engine) -> None:
    cli.run(engine, "packet new { limit 2 data { hex 0x00ff { IP4 }  incrementing 4 } name a }")
    cli.run(engine, 'packet new pcap "/tmp/a b.pcap" name p1 source loop0')
    assert engine.done == [
        {"limit": 2, "data": "hex 0x00ff { IP4 }  incrementing 4", "name": "a"},
        {"pcap": Path("/tmp/a b.pcap"), "name": "p1", "interface": 1},
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        # As in VPP's transcript.
        ("frobnicate", "unknown input `frobnicate'"),
        ("set int l2 bridge loop7 2 bvi", "set interface l2 bridge: unknown interface `loop7 2 bvi'"),
        ("set int state nosuch0 up", "set interface state: unknown interface `nosuch0 up'"),
        # Ours: what was asked, what is wrong, what would work.
        ("shwo int", "unknown input `shwo int'; did you mean show?"),
        ("show frob x", "show: unknown input `frob x'; expected cli-sessions, interface or many"),
        ("set interface", "set interface: missing l2 or state"),
        ("set int state loop0", "set interface state: missing up or down"),
        ("set int state loop0 sideways", "set interface state: unknown input `sideways'; expected up or down"),
        ("set int state loop0 up down", "set interface state: unknown input `down'; nothing more is expected"),
        ("set int l2 bridge loop0", "set interface l2 bridge: missing <bd-id> (a number from 0 to 4294967295)"),
        (
            "set int l2 bridge loop0 x bvi",
            "set interface l2 bridge: expected a number from 0 to 4294967295, got `x bvi'",
        ),
        (
            "set int l2 bridge loop0 2 256",
            "set interface l2 bridge: unknown input `256'; expected bvi, uu-fwd or <shg> (a number from 0 to 255)",
        ),
        ("set int l2 bridge loop0 2 uu-fwd bvi", "set interface l2 bridge: expected a number from 0 to 255, got `bvi'"),
        ("show int loop9", "show interface: unknown interface `loop9'"),
        (
            "ip route add 10.0.0.0/33 via drop",
            "ip route add: expected a prefix such as 192.0.2.0/24 or 2001:db8::/64, got `10.0.0.0/33 via drop'",
        ),
        ("ip route add 10.0.0.0/8", "ip route add: missing table or via"),
        ("packet new { name a", "unbalanced brace at `{ name a': expected a closing }"),
        ("packet new } {", "unbalanced brace at `} {': no { was open"),
        ('echo "half', 'unbalanced quote at `"half\': expected a closing "'),
        ("echo bell\x07", "control character in `bell\\x07': only printable text is accepted"),
        ("echo " + "x" * 70000, "line too long: 70005 characters, at most 65536 are accepted"),
        ("broken", "broken: internal error: RuntimeError: no such luck in two lines"),
    ],
)
def test_an_error_is_one_clear_line(cli: Cli, engine: Engine, line: str, message: str) -> None:
    assert refused(cli, engine, line) == message


def test_a_refusal_by_the_handler_names_the_command(cli: Cli, engine: Engine) -> None:
    assert refused(cli, engine, "set int st local0 d") == "set interface state: local0 is always up"


def test_further_exceptions_may_be_the_users(engine: Engine) -> None:
    class TableInUse(Exception):
        pass

    table = CommandTable()

    @command("ip table del", "<id:u32>", table=table)
    def delete(engine: Engine, id: int) -> None:
        raise TableInUse(f"table {id} is in use by loop0")

    with pytest.raises(CliError, match=r"^ip table del: table 4 is in use by loop0$"):
        Cli(table, user_errors=(TableInUse,)).run(engine, "ip table del 4")


def test_an_unexpected_exception_is_logged(cli: Cli, engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    refused(cli, engine, "broken")
    assert caplog.records[0].exc_info is not None


@pytest.mark.parametrize("line", ["", "   ", "\r\n", "# a comment", "comment { anything at { all } }"])
def test_blank_lines_and_comments_do_nothing(cli: Cli, engine: Engine, line: str) -> None:
    assert cli.run(engine, line) == ""


def test_text_beyond_ascii_is_accepted(cli: Cli, engine: Engine) -> None:
    assert cli.run(engine, "echo žluťoučký 猫 \udc80".replace("\udc80", "")) == "žluťoučký 猫"


def test_commands_that_wait_run_with_and_without_a_loop(cli: Cli, engine: Engine) -> None:
    assert cli.run(engine, "ping 0.01") == "waited"

    async def within_a_loop() -> str:
        with pytest.raises(CliError, match=r"^ping: this command waits: use run_async"):
            cli.run(engine, "ping 0.01")
        assert cli.run(engine, "show int loop0") == "loop0"
        return await cli.run_async(engine, "ping 0.01")

    assert asyncio.run(within_a_loop()) == "waited"


def test_exec_stops_at_the_first_error_and_says_where(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    script = tmp_path / "setup.cli"
    script.write_text(
        "# setup\r\nset int state loop0 up\r\n\r\npacket new {\n  name a\n  limit 3\n}\necho one\n"
        "set int state loop9 up\nset int state loop1 up\n"
    )
    with pytest.raises(CliError) as error:
        cli.run(engine, f"exec {script}")
    assert str(error.value) == f"exec: {script}:9: set interface state: unknown interface `loop9 up'"
    assert error.value.output == "one"
    assert engine.done == [(1, True), {"name": "a", "limit": 3}]


def test_exec_refuses_what_is_no_script(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    itself = tmp_path / "again"
    itself.write_text(f"exec {itself}\n")
    assert "16 deep" in refused(cli, engine, f"exec {itself}")
    assert refused(cli, engine, f"exec {tmp_path}/none") == f"exec: {tmp_path}/none: No such file or directory"
    assert refused(cli, engine, f"exec {tmp_path}") == f"exec: {tmp_path}: not a file with commands"
    open_brace = tmp_path / "open"
    open_brace.write_text("echo a\npacket new {\nname x\n")
    assert f"{open_brace}:2: unbalanced brace" in refused(cli, engine, f"exec {open_brace}")


def test_help_explains_words_and_commands(cli: Cli, engine: Engine) -> None:
    assert "Put an interface into a bridge domain" in cli.run(engine, "help set int l2 bridge")
    assert "<interface> <bd-id> [bvi | uu-fwd] [<shg>]" in cli.run(engine, "set int l2 bridge ?")
    assert [line.split()[0] for line in cli.run(engine, "show ?").splitlines()] == ["cli-sessions", "interface", "many"]
    assert [line.split()[0] for line in cli.run(engine, "s?").splitlines()] == ["set", "show"]
    assert "exec" in cli.run(engine, "?")
    assert cli.run(engine, "echo is it up?") == "is it up?"
    assert refused(cli, engine, "help frob") == "help: unknown input `frob'"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sh", ["show"]),
        ("set int ", ["l2", "state"]),
        ("set int l2 bridge lo", ["local0", "loop0", "loop1"]),
        ("set int l2 bridge loop0 2 ", ["bvi", "uu-fwd"]),
        ("set int l2 bridge loop0 2 bvi ", []),
        ("set int state loop0 u", ["up"]),
        ("show interface ", ["address", "local0", "loop0", "loop1"]),
        ("ip route add 10.0.0.0/8 ", ["table", "via"]),
        ("ip route add 10.0.0.0/8 via drop ", ["preference", "table", "via", "weight"]),
        ("packet-generator new { limit 2 ", ["data", "name", "}"]),
        ("frob ", []),
        ("set int l2 bridge nosuch0 ", []),
    ],
)
def test_completion_offers_what_may_follow(cli: Cli, engine: Engine, line: str, words: list[str]) -> None:
    assert cli.complete(engine, line) == words


def test_files_complete(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "setup.cli").touch()
    assert cli.complete(engine, f"exec {tmp_path}/se") == [f"{tmp_path}/setup.cli"]
