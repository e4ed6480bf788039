"""Declarations that do not hold are refused when they are made; values are read as their types say."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from pathlib import Path
from typing import Any

import pytest

from weft.core.cli import Cli, CliError, CommandTable, command

from .conftest import Engine


def nothing(engine: Engine, **given: Any) -> None: ...
def takes_name(engine: Engine, name: str) -> None: ...


@pytest.mark.parametrize(
    ("arguments", "handler", "message"),
    [
        ("[a", nothing, "is not closed"),
        ("a]", nothing, "closes or divides nothing"),
        ("(a]", nothing, "is not closed"),
        ("a | b", nothing, "closes or divides nothing"),
        ("[a |]", nothing, "an empty alternative"),
        ("(a)*", nothing, "write"),
        ("<A>", nothing, "cannot read"),
        ("<name> <other:word>", takes_name, "does not take"),
        ("[<name>]", takes_name, "has no default"),
    ],
)
def test_a_bad_declaration_is_refused(arguments: str, handler: Callable[..., None], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        command("bad", arguments, table=CommandTable())(handler)


def test_two_commands_of_one_name_are_refused() -> None:
    table = CommandTable()
    command("show thing", table=table)(nothing)
    with pytest.raises(ValueError, match="two commands are called 'show thing'"):
        command("show thing", table=table)(lambda engine: None)


def test_a_type_that_nobody_registered_is_found() -> None:
    table = CommandTable()
    command("show thing", "<thing:no-such-type>", table=table)(nothing)
    with pytest.raises(LookupError, match="show thing: no argument type 'no-such-type'"):
        table.check()


def test_words_that_python_reserves_get_an_underscore(engine: Engine) -> None:
    table = CommandTable()
    command("ip table", "(add | del) <id:u32>", table=table)(lambda engine, id, add=False, del_=False: f"{id} {del_}")
    assert Cli(table).run(engine, "ip table del 4") == "4 True"


def test_groups_in_parentheses_must_be_given_in_any_order(engine: Engine) -> None:
    table = CommandTable()

    @command("create vxlan tunnel", "(src <src:address>) (dst <dst:address>) (vni <vni:1-16777215>) [del]", table=table)
    def vxlan(engine: Engine, src: Any, dst: Any, vni: int, del_: bool = False) -> str:
        return f"{src} {dst} {vni} {del_}"

    cli = Cli(table)
    assert cli.run(engine, "create vxlan tunnel vni 13 dst 10.0.0.2 src ::1 del") == "::1 10.0.0.2 13 True"
    with pytest.raises(CliError, match=r"^create vxlan tunnel: missing src or del$"):
        cli.run(engine, "create vxlan tunnel vni 13 dst 10.0.0.2")


def test_a_keyword_may_be_abbreviated_unless_two_could_be_meant(engine: Engine) -> None:
    table = CommandTable()
    command("set thing", "[weight <weight:u8>] [width <width:u8>]", table=table)(lambda engine, **given: str(given))
    cli = Cli(table)
    assert cli.run(engine, "set thing wi 1 we 2") == str({"width": 1, "weight": 2})
    assert cli.run(engine, "set thing width 1 w 2") == str({"width": 1, "weight": 2})
    with pytest.raises(CliError, match=r"^set thing: ambiguous input `w 1'; could be weight or width$"):
        cli.run(engine, "set thing w 1")


MAC = int.from_bytes(bytes((2, 0, 0, 0, 0x22, 5)), "little")


@pytest.mark.parametrize(
    ("type_name", "word", "value"),
    [
        ("u8", "255", 255),
        ("u8", "256", None),
        ("u8", "-1", None),
        ("u8", "1_0", None),
        ("u8", "٣", None),
        ("u16", "0xffff", 65535),
        ("u16", "0x10000", None),
        ("u32", "4294967295", 4294967295),
        ("u32", "4294967296", None),
        ("u64", "0xffffffffffffffff", 2**64 - 1),
        ("u64", "9" * 30, None),
        ("1-4094", "4094", 4094),
        ("1-4094", "0", None),
        ("float", "1e4", 10000.0),
        ("float", ".5", 0.5),
        ("float", "nan", None),
        ("float", "1e999", None),
        ("on-off", "enable", True),
        ("on-off", "0", False),
        ("on-off", "maybe", None),
        ("pop|push", "pop", "pop"),
        ("pop|push", "pu", "push"),
        ("pop|push", "p", None),
        ("mac", "02:00:00:00:22:05", MAC),
        ("mac", "2:0:0:0:22:5", MAC),
        ("mac", "0200.0000.2205", MAC),
        ("mac", "02:00:00:00:22", None),
        ("mac", "0g:00:00:00:22:05", None),
        ("ip4", "192.0.2.1", IPv4Address("192.0.2.1")),
        ("ip4", "192.0.2", None),
        ("ip4", "2001:db8::1", None),
        ("ip6", "2001:db8::1", IPv6Address("2001:db8::1")),
        ("ip6", "fe80::1%eth0", None),
        ("address", "192.0.2.1", IPv4Address("192.0.2.1")),
        ("address", "::1", IPv6Address("::1")),
        ("ip4-prefix", "192.0.2.9/24", IPv4Interface("192.0.2.9/24")),
        ("ip4-prefix", "192.0.2.9", None),
        ("ip4-prefix", "192.0.2.0/255.255.255.0", None),
        ("ip6-prefix", "::/0", IPv6Interface("::/0")),
        ("ip6-prefix", "::/129", None),
        ("prefix", "::1/128", IPv6Interface("::1/128")),
        ("prefix", "/", None),
        ("path", "/tmp/x", Path("/tmp/x")),
        ("string", '"a \\"b\\""', 'a "b"'),
        ("word", "a", "a"),
        ("block", "{ a  { b } }", "a  { b }"),
        ("block", "a", None),
        ("rest", "a  b", "a  b"),
    ],
)
def test_values_are_read_by_their_type(engine: Engine, type_name: str, word: str, value: object) -> None:
    table = CommandTable()
    given: list[object] = []
    command("give", f"<value:{type_name}>", table=table)(lambda engine, value: given.append(value))
    if value is None:
        with pytest.raises(CliError, match=r"^give: "):
            Cli(table).run(engine, f"give {word}")
    else:
        Cli(table).run(engine, f"give {word}")
        assert given == [value]
