"""startup.conf in VPP's syntax: what it sets, and what is said of what it gets wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from weft.core.config import (
    STANZAS,
    Buffers,
    Config,
    ConfigError,
    Cpu,
    Memory,
    Plugins,
    Size,
    Socksvr,
    Statseg,
    Unix,
    stanza,
)

EXAMPLE = """\
# A comment
unix {
  nodaemon
  log /var/log/weft.log   # another
  full-coredump
  cli-listen /run/x/cli.sock
  cli-prompt "my router# "
  exec /etc/a.cli  exec /etc/b.cli
  gid weft
}
cpu { workers 2 main-core 1 corelist-workers 2-3,5 }
buffers{buffers-per-numa 32768 default data-size 2k}
memory { main-heap-size 2G }
plugins { plugin default { disable } plugin vxlan { enable } plugin dpdk_plugin.so { disable } }
socksvr { default }
statseg { size 64M per-node-counters on }
"""


def test_vpps_example_is_understood() -> None:
    config = Config.from_text(EXAMPLE)
    unix, cpu = config[Unix], config[Cpu]
    assert unix.nodaemon and unix.full_coredump and not unix.interactive
    assert (unix.log, unix.cli_listen, unix.gid) == (Path("/var/log/weft.log"), "/run/x/cli.sock", "weft")
    assert unix.cli_prompt == "my router# "
    assert unix.exec == (Path("/etc/a.cli"), Path("/etc/b.cli"))
    assert (cpu.workers, cpu.main_core, cpu.corelist_workers) == (2, 1, (2, 3, 5))
    assert (config[Buffers].buffers_per_numa, config[Buffers].data_size) == (32768, 2048)
    assert config[Memory].main_heap_size == 2 * 1024**3
    assert config[Socksvr].default
    assert config[Statseg].size == 64 * 1024**2 and config[Statseg].per_node_counters
    assert [name for name in ("vxlan", "nat44", "dpdk") if config[Plugins].wants(name)] == ["vxlan"]
    assert config[Plugins].disabled() == {"dpdk"}
    assert config.unknown() == []


def test_the_group_is_a_name_or_a_number() -> None:
    groups = [Config.from_text(text)[Unix].group for text in ("unix { gid root }", "unix { gid 7 }", "")]
    assert groups == [0, 7, -1]
    with pytest.raises(ConfigError, match=r"^unix: gid: there is no group `no-such-group'"):
        _ = Config.from_text("unix { gid no-such-group }")[Unix].group


def test_an_empty_configuration_has_defaults() -> None:
    config = Config()
    assert config[Cpu].places([0, 1]) == (None, [], 1) and config[Plugins].wants("anything")


def test_later_words_and_stanzas_override() -> None:
    config = Config.from_text("cpu { workers 1 main-core 3 } cpu { workers 4 }")
    assert (config[Cpu].workers, config[Cpu].main_core) == (4, 3)


def test_what_is_unknown_is_reported_once_with_its_line() -> None:
    text = (
        "unix { nodaemon frobnicate 5\n zap { a { b } } }\neverywhere 1G\n\ndpkd { dev 0000:00:08.0 }\n"
        "cpu { wrokers 2 main-core 1 }"
    )
    config = Config.from_text(text, "startup.conf")
    assert [str(each).partition(" and was not used")[0] for each in config.unknown()] == [
        "startup.conf:1: unix: `frobnicate' is unknown here",
        "startup.conf:2: unix: `zap { ... }' is unknown here",
        "startup.conf:3: `everywhere 1G' stands in no stanza",
        "startup.conf:5: stanza `dpkd' is unknown",
        "startup.conf:6: cpu: `wrokers' is unknown here",
    ]
    assert config[Cpu].main_core == 1


def test_what_concerns_vpps_other_parts_is_accepted() -> None:
    config = Config.from_text(
        "heapsize 1G\ndpdk { dev 0000:00:08.0 { name eth0 } }\ndpdk { no-pci }\nphysmem{max-size 32m}"
    )
    assert config.unknown() == []
    assert config.without_effect() == ["heapsize", "dpdk", "physmem"]
    config = Config.from_text("memory { main-heap-size 2G } unix { poll-sleep-usec 10 nodaemon }")
    assert config.without_effect() == ["memory main-heap-size", "unix poll-sleep-usec"]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("cpu { workers 0 }", (None, [], 1)),  # somebody must forward
        ("cpu { workers 3 }", (None, [], 3)),
        ("cpu { main-core 2 corelist-workers 0,3 }", (2, [0, 3], 2)),
        ("cpu { skip-cores 1 workers 2 }", (1, [2, 3], 2)),
        ("cpu { skip-cores 1 main-core 3 workers 2 }", (3, [1, 2], 2)),
    ],
)
def test_threads_are_placed_on_cores(text: str, places: tuple[int | None, list[int], int]) -> None:
    assert Config.from_text(text)[Cpu].places([0, 1, 2, 3]) == places


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cpu { main-core 9 }", "there is no core 9 for this process; it may run on 0, 1"),
        ("cpu { corelist-workers 1-2 }", "there is no core 2 for this process; it may run on 0, 1"),
        ("cpu { skip-cores 2 }", "skip-cores 2 leaves none of the cores 0, 1"),
    ],
)
def test_cores_that_are_not_there_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^cpu: {message}$"):
        Config.from_text(text)[Cpu].places([0, 1])


@pytest.mark.parametrize("glue", [" ", "\n", ""])
def test_a_test_frameworks_arguments_are_understood(glue: str) -> None:
    arguments = ["unix", "{", "nodaemon", "", "full-coredump", "coredump-size 1g", "runtime-dir", "/tmp/x", "}"]
    arguments += [
        "api-segment",
        "{",
        "prefix",
        "foo",
        "}",
        "node { ",
        "",
        "}",
        f"physmem{glue}{{",
        "max-size",
        "32m",
        "}",
    ]
    arguments += [
        "plugins",
        "{",
        "plugin",
        "a_plugin.so",
        "{",
        "disable",
        "}",
        "plugin",
        "b.so",
        "{",
        "enable",
        "}",
        "}",
    ]
    arguments += ["statseg", "{", "socket-name", "/tmp/x/s.sock", "per-node-counters on", "}", "unix { cli-prompt # }"]
    config = Config.from_arguments(arguments)
    assert config.unknown() == [] and config.without_effect() == ["api-segment prefix", "node", "physmem"]
    unix = config[Unix]
    assert (unix.coredump_size, unix.cli_address, unix.cli_prompt) == (1 << 30, "/tmp/x/cli.sock", "#")
    assert config[Socksvr].address(unix) == Path("/tmp/x/api.sock")
    assert config[Statseg].address(unix) == Path("/tmp/x/s.sock") and config[Statseg].per_node_counters
    assert [name for name in ("a", "b", "c") if not config[Plugins].wants(name)] == ["a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("unix {\n nodaemon\n", "f.conf:1: `unix {' is not closed; expected a }"),
        ("\n}", "f.conf:2: a } that closes nothing; remove it"),
        ("{ a }", "f.conf:1: a { without a name before it; write `unix { ... }'"),
        ("cpu {\n workers two }", "f.conf:2: cpu: `workers' takes a number, not `two'"),
        ("cpu { workers }", "f.conf:1: cpu: `workers' takes a number, and none is given"),
        ("graph { fuse no }", "f.conf:1: graph: `fuse' takes one of off, on, forced, not `no'"),
        (
            "cpu { corelist-workers 3-2 }",
            "f.conf:1: cpu: `corelist-workers' takes a list of cores, for example 2-3 or 2,4-6, not `3-2'",
        ),
        (
            "memory { main-heap-size big }",
            "f.conf:1: memory: `main-heap-size' takes a size, for example 512M or 1G, not `big'",
        ),
        ('unix { log "half }', 'f.conf:1: a quote is not closed; write "..." within one line'),
        ("a {" * 100, "f.conf:1: braces nested more than 32 deep"),
    ],
)
def test_an_error_says_where_what_and_what_would_work(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        Config.from_text(text, "f.conf").unknown()
    assert str(error.value) == message


def test_the_command_line_is_a_configuration_too(tmp_path: Path) -> None:
    file = tmp_path / "startup.conf"
    file.write_text("cpu { workers 1 main-core 2 }")
    config = Config.from_arguments(["-c", str(file), "unix", "{", "nodaemon", "}", "cpu { workers 3 }"])
    assert config[Unix].nodaemon and config[Cpu] == Cpu(workers=3, main_core=2)
    with pytest.raises(ConfigError, match=r"^command line: cpu: `workers' takes a number, not `x'$"):
        _ = Config.from_arguments(["cpu { workers x }"])[Cpu]
    with pytest.raises(ConfigError, match=r"^command line: `-c' needs a file"):
        Config.from_arguments(["-c"])
    with pytest.raises(ConfigError, match=r"none: cannot read the configuration: No such file or directory$"):
        Config.from_file(tmp_path / "none")


def test_the_packaged_configuration_is_understood() -> None:
    config = Config.from_file(Path(__file__).parents[2] / "packaging/startup.conf")
    assert config.unknown() == [] and config.without_effect() == []
    assert config[Unix].nodaemon and Socksvr in config and config[Cpu].workers == 1


class Domain(Struct, frozen=True):
    learn: bool = False


class L2Fib(Struct, frozen=True):
    table_size: Size = 1 << 20
    seed: tuple[Path, ...] = ()
    first: Domain = Domain()
    domain: dict[str, Domain] = {}


@pytest.fixture
def l2fib() -> Iterator[type[L2Fib]]:
    yield stanza("l2fib-test")(L2Fib)
    del STANZAS["l2fib-test"]


def test_a_feature_declares_its_own_stanza(l2fib: type[L2Fib]) -> None:
    config = Config.from_text(
        "l2fib-test { table-size 2M seed a seed b first { learn } domain red { learn } domain blue { } }"
    )
    read = config[l2fib]
    assert (read.table_size, read.seed) == (2 << 20, (Path("a"), Path("b")))
    assert read.first.learn and read.domain["red"].learn and not read.domain["blue"].learn
    assert config.unknown() == []
