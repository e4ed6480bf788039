"""The stanzas of startup.conf that belong to the engine itself, with VPP's names."""

from __future__ import annotations

from dataclasses import dataclass, field
from grp import getgrnam
from pathlib import Path
from typing import Annotated

from .stanza import stanza
from .syntax import ConfigError
from .value import Cores, Size, Switch, size


def group_number(name: str, stanza: str) -> int:
    """The number of a group by its name or number, -1 for none. Raises ConfigError."""
    if not name or name.isdecimal():
        return int(name or -1)
    try:
        return getgrnam(name).gr_gid
    except KeyError:
        raise ConfigError(f"{stanza}: gid: there is no group `{name}'; make it with groupadd") from None


@stanza("unix")
@dataclass(frozen=True)
class Unix:
    """The process and its command line."""

    nodaemon: bool = False
    interactive: bool = False
    nosyslog: bool = False
    full_coredump: bool = False
    coredump_size: str = ""
    log: Path | None = None
    pidfile: Path | None = None
    runtime_dir: Path = Path("/run/weft")
    gid: str = ""
    exec: tuple[Path, ...] = ()
    startup_config: tuple[Path, ...] = ()
    cli_listen: str = "/run/weft/cli.sock"
    cli_prompt: str = "weft# "
    cli_history_limit: int = 50
    cli_no_banner: bool = False
    nobanner: bool = False
    cli_no_pager: bool = False
    poll_sleep_usec: int = 0

    @property
    def group(self) -> int:
        """The number of the group that may use the sockets, -1 for the process's own. Raises ConfigError."""
        return group_number(self.gid, "unix")


@stanza("cpu")
@dataclass(frozen=True)
class Cpu:
    """Which threads there are, and the cores that they run on."""

    workers: int | None = None
    main_core: int | None = None
    corelist_workers: Cores = ()
    skip_cores: int = 0
    scheduler_policy: str = "other"
    scheduler_priority: int = 0

    @property
    def worker_count(self) -> int:
        """As asked for; one by default, one a core where cores are listed."""
        return self.workers if self.workers is not None else len(self.corelist_workers) or 1


@stanza("buffers")
@dataclass(frozen=True)
class Buffers:
    """The pool of packets."""

    buffers_per_numa: int = 16800
    data_size: Annotated[int, size, "default data-size"] = 2048
    page_size: str = "default"


@stanza("memory")
@dataclass(frozen=True)
class Memory:
    """The arena, which holds all forwarding state; VPP calls it the main heap."""

    main_heap_size: Size = 1 << 30
    main_heap_page_size: str = "default"
    default_hugepage_size: Size = 2 << 20


@stanza("socksvr")
@dataclass(frozen=True)
class Socksvr:
    """The binary API's socket, which is there if the stanza is."""

    default: bool = False
    socket_name: Path = Path("/run/vpp/api.sock")


@stanza("statseg")
@dataclass(frozen=True)
class Statseg:
    """The statistics segment and its socket."""

    default: bool = False
    socket_name: Path = Path("/run/weft/stats.sock")
    size: Size = 32 << 20
    page_size: str = "default"
    per_node_counters: Switch = False
    update_interval: int = 10


@stanza("api-segment")
@dataclass(frozen=True)
class ApiSegment:
    """Who may use the binary API, and under which name."""

    prefix: str = ""
    uid: str = ""
    gid: str = ""

    @property
    def group(self) -> int:
        """The number of the group that may use the API's socket, -1 for the process's own. Raises ConfigError."""
        return group_number(self.gid, "api-segment")


@stanza("api-trace")
@dataclass(frozen=True)
class ApiTrace:
    """Whether API messages are kept for `show api trace`."""

    on: bool = False
    nitems: int = 256


@dataclass(frozen=True)
class PluginSwitch:
    """`plugin nat44 { disable }`."""

    enable: bool = False
    disable: bool = False


@stanza("plugins")
@dataclass(frozen=True)
class Plugins:
    """Which features are loaded; `plugin default { disable }` loads only those that are enabled by name."""

    path: str = ""
    add_path: tuple[str, ...] = ()
    plugin: dict[str, PluginSwitch] = field(default_factory=dict)

    def enabled(self, name: str) -> bool:
        """Whether a feature is to be loaded, by its own name or by VPP's name of the plugin's file."""
        default = self.plugin.get("default", PluginSwitch())
        own = self.plugin.get(name) or self.plugin.get(f"{name}_plugin.so") or default
        return own.enable or not (own.disable or default.disable)


@stanza("logging")
@dataclass(frozen=True)
class Logging:
    """What is logged: emerg, alert, crit, err, warn, notice, info, debug or disabled."""

    size: int = 512
    default_log_level: str = "notice"
    default_syslog_log_level: str = "warn"
