"""Macros: $(name) in lines and scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.core.cli import Cli, CliError

from .conftest import Engine, add_known, commands


@pytest.fixture
def cli() -> Cli:
    table = commands()
    add_known(table, "define", "undefine", "show macro")
    return Cli(table)


def refused(cli: Cli, engine: Engine, line: str) -> str:
    with pytest.raises(CliError) as error:
        cli.run(engine, line)
    return str(error.value)


def test_a_macro_stands_for_its_text(cli: Cli, engine: Engine) -> None:
    cli.run(engine, "define port loop0")
    cli.run(engine, "define up set int state $(port) up")
    assert cli.run(engine, "show int $(port)") == "loop0"
    assert cli.run(engine, "$(up)") == "" and engine.done == [(1, True)]
    assert cli.run(engine, "echo $port/$(port) costs 5$ or \\$port") == "loop0/loop0 costs 5$ or $port"
    cli.run(engine, "define port loop1")
    assert cli.run(engine, "show int $(port)") == "loop1"
    assert [line.split() for line in cli.run(engine, "show macro").splitlines()] == [
        ["port", "loop1"],
        ["up", "set", "int", "state", "loop0", "up"],  # as it was when it was defined
    ]


def test_a_script_uses_and_makes_macros(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    script = tmp_path / "setup.cli"
    script.write_text("define port loop1\nset int state $(port) up\n")
    cli.run(engine, f"define file {script}")
    cli.run(engine, "exec $(file)")
    assert engine.done == [(2, True)] and cli.run(engine, "show int $(port)") == "loop1"


def test_what_is_not_defined_is_refused(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    assert refused(cli, engine, "show int $(port)") == "macro `port' is not defined: define port VALUE"
    assert refused(cli, engine, "undefine port") == "undefine: macro `port' is not defined"
    assert "cannot name a macro" in refused(cli, engine, "define 5x y")
    cli.run(engine, "define port loop0")
    cli.run(engine, "undefine port")
    script = tmp_path / "setup.cli"
    script.write_text("echo one\nshow int $(port)\n")
    assert f"{script}:2: macro `port' is not defined" in refused(cli, engine, f"exec {script}")


def test_a_macro_without_end_is_refused(cli: Cli, engine: Engine) -> None:
    cli.run(engine, "define a \\$(b)\\$(b)")
    cli.run(engine, "define b \\$(a)\\$(a)")
    assert "nested more than 8 deep" in refused(cli, engine, "echo $(a)")
    assert cli.run(engine, "show macro noevaluate").split() == ["a", "$(b)$(b)", "b", "$(a)$(a)"]
    cli.run(engine, f"define long {'x' * 60000}")
    assert "line too long" in refused(cli, engine, "echo $(long)$(long)")
    for name, inside in (("c", '""'), ("d", "c"), ("e", "d"), ("f", "e")):
        cli.run(engine, f"define {name} {inside}" if inside == '""' else f"define {name} " + f"\\$({inside})" * 9000)
    assert "line too long" in refused(cli, engine, "echo $(f)")
