"""The stanzas of startup.conf that belong to the engine itself, with VPP's names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from grp import getgrnam
from pathlib import Path
from typing import Annotated

from msgspec import Struct

from weft.core.fusing import MODES

from .stanza import stanza
from .syntax import ConfigError
from .value import Cores, Size, Switch, level, limit, number, size

#: Where sockets are unless the configuration says otherwise: where VPP's are, so that its tools find them.
RUNTIME_DIR = Path("/run/vpp") if os.geteuid() == 0 else Path(f"/run/user/{os.geteuid()}/vpp")


POLICIES = {
    "other": os.SCHED_OTHER,
    "batch": os.SCHED_BATCH,
    "idle": os.SCHED_IDLE,
    "fifo": os.SCHED_FIFO,
    "rr": os.SCHED_RR,
}


def group_number(name: str, stanza: str) -> int:
    """The number of a group by its name or number, -1 for none. Raises ConfigError."""
    if not name or name.isdecimal():
        return int(name or -1)
    try:
        return getgrnam(name).gr_gid
    except KeyError:
        raise ConfigError(f"{stanza}: gid: there is no group `{name}'; make it with groupadd") from None


@stanza("unix")
class Unix(Struct, frozen=True):
    """The process and its command line."""

    nodaemon: bool = False
    interactive: bool = False
    nosyslog: bool = False
    full_coredump: bool = False
    coredump_size: Annotated[int | None, limit] = None
    log: Path | None = None
    pidfile: Path | None = None
    runtime_dir: Path = RUNTIME_DIR
    gid: str = ""
    exec: tuple[Path, ...] = ()
    startup_config: tuple[Path, ...] = ()
    cli_listen: str = ""
    cli_prompt: str = ""
    cli_history_limit: int = 50
    cli_pager_buffer_limit: int = 100_000
    cli_no_banner: bool = False
    nobanner: bool = False
    cli_no_pager: bool = False
    poll_sleep_usec: int = 0

    @property
    def cli_address(self) -> str:
        """Where the command line listens: a path or host:port."""
        return self.cli_listen or str(self.runtime_dir / "cli.sock")

    @property
    def banner(self) -> bool:
        return not (self.nobanner or self.cli_no_banner)

    @property
    def group(self) -> int:
        """The number of the group that may use the sockets, -1 for the process's own. Raises ConfigError."""
        return group_number(self.gid, "unix")


@stanza("cpu")
class Cpu(Struct, frozen=True):
    """Which threads there are, and the cores that they run on."""

    workers: int | None = None
    main_core: int | None = None
    corelist_workers: Cores = ()
    skip_cores: int = 0
    scheduler_policy: str | None = None
    scheduler_priority: int = 0

    @property
    def policy(self) -> tuple[int, int]:
        """The kernel's number of the workers' policy, and their priority. Raises ConfigError."""
        if self.scheduler_policy not in POLICIES:
            known = ", ".join(POLICIES)
            raise ConfigError(f"cpu: scheduler-policy takes one of {known}, not `{self.scheduler_policy}'")
        policy = POLICIES[self.scheduler_policy]
        least, most = os.sched_get_priority_min(policy), os.sched_get_priority_max(policy)
        return policy, min(max(self.scheduler_priority, least), most)

    def places(self, allowed: Sequence[int]) -> tuple[int | None, list[int], int]:
        """The main thread's core, the workers' cores and the number of workers, of a process that may run on these.

        Where no core is named, none is given (None, no cores): the kernel places threads. Raises ConfigError.
        """
        usable = sorted(allowed)[self.skip_cores :]
        if not usable:
            raise ConfigError(f"cpu: skip-cores {self.skip_cores} leaves none of the cores {_listed(allowed)}")
        main, corelist = self.main_core, list(self.corelist_workers)
        if self.skip_cores and main is None:
            main = usable[0]
        if self.skip_cores and not corelist and self.workers:
            corelist = [core for core in usable if core != main][: self.workers]
        for core in (*corelist, *([] if main is None else [main])):
            if core not in allowed:
                raise ConfigError(f"cpu: there is no core {core} for this process; it may run on {_listed(allowed)}")
        # VPP without workers forwards in its main thread, which is Python here: so there is always a worker.
        count = self.workers if self.workers is not None else len(corelist)
        return main, corelist, max(count, 1)


def _listed(cores: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(cores)))


def _fusing(word: str) -> str:
    """How nodes are compiled together."""
    if word in MODES:
        return word
    raise ValueError(f"takes one of {', '.join(MODES)}")


@stanza("graph")
class Graph(Struct, frozen=True):
    """How nodes are run. ``fuse``: those that many packets pass one after the other are compiled together (``on``), or
    not (``off``); ``forced`` is for tests. Unless said here, it is what the environment says (WEFT_FUSE), or ``on``.
    """

    fuse: Annotated[str | None, _fusing] = None


@stanza("buffers")
class Buffers(Struct, frozen=True):
    """The pool of packets."""

    buffers_per_numa: int = 16800
    data_size: Annotated[int, size, "default data-size"] = 2048
    page_size: str = "default"


@stanza("memory")
class Memory(Struct, frozen=True):
    """The arena, which holds all forwarding state; VPP calls it the main heap."""

    main_heap_size: Size = 1 << 30
    main_heap_page_size: str = "default"
    default_hugepage_size: Size = 2 << 20


@stanza("socksvr")
class Socksvr(Struct, frozen=True):
    """The binary API's socket, which is there if the stanza is."""

    default: bool = False
    socket_name: Path | None = None

    def address(self, unix: Unix) -> Path:
        """Where it listens."""
        return self.socket_name or unix.runtime_dir / "api.sock"


@stanza("statseg")
class Statseg(Struct, frozen=True):
    """The statistics segment and its socket."""

    default: bool = False
    socket_name: Path | None = None
    size: Size = 32 << 20
    page_size: str = "default"
    per_node_counters: Switch = False
    update_interval: float = 10.0

    def address(self, unix: Unix) -> Path:
        """Where it listens."""
        return self.socket_name or unix.runtime_dir / "stats.sock"


@stanza("api-segment")
class ApiSegment(Struct, frozen=True):
    """Who may use the binary API, and under which name."""

    prefix: str = ""
    uid: str = ""
    gid: str = ""

    @property
    def group(self) -> int:
        """The number of the group that may use the API's socket, -1 for the process's own. Raises ConfigError."""
        return group_number(self.gid, "api-segment")


@stanza("api-trace")
class ApiTrace(Struct, frozen=True):
    """How many API requests are kept for `api trace`; they are kept in any case. `save-api-table`: the file below /tmp
    that gets the message table.
    """

    on: bool = False
    enable: bool = False
    nitems: Annotated[int | None, number] = None
    save_api_table: str = ""


class PluginSwitch(Struct, frozen=True):
    """`plugin nat44 { disable }`."""

    enable: bool = False
    disable: bool = False


@stanza("plugins")
class Plugins(Struct, frozen=True):
    """Which features there are, of those that can do without (`core/features.py`)."""

    path: str = ""
    add_path: tuple[str, ...] = ()
    plugin: dict[str, PluginSwitch] = {}

    def wants(self, name: str) -> bool:
        """Whether a plugin is to be there. It is named by its file, as in VPP, or without the file's ending."""
        switch = self.plugin.get(f"{name}_plugin.so") or self.plugin.get(name)
        if switch is None or switch.enable == switch.disable:
            switch = self.plugin.get("default", PluginSwitch())
        return not switch.disable

    def disabled(self) -> set[str]:
        """Those that are told by name to stay away."""
        return {name.removesuffix("_plugin.so") for name, switch in self.plugin.items() if switch.disable} - {"default"}


class LogClass(Struct, frozen=True):
    """`class api { level debug }`."""

    level: Annotated[str, level] = ""
    syslog_level: Annotated[str, level] = ""


@stanza("logging")
class Logging(Struct, frozen=True):
    """What is logged; levels as VPP names them."""

    size: int = 2000
    default_log_level: Annotated[str, level] = "notice"
    default_syslog_log_level: Annotated[str, level] = "warn"
    class_: dict[str, LogClass] = {}


_ELSEWHERE = """
    acl-plugin api-fuzz api-queue avf bufmon cnat crypto dhcp dma dns dpdk dsa fib flowprobe heapsize http hs_apps ikev2
    ioam ip ip6 ipsec iptables l2fib l2learn l2tp linux-cp lisp mactime map mpls nat nat44 nat44-ei node nsh octeon
    perfmon physmem plugin_path policer prom punt quic ratelimit rdma session snort srtp statseg-client svm tapcli tcp
    tcp-cubic tls trace tunnel tuntap udp upf urpf vhost-user virtio vlib vmxnet3 wireguard
"""
#: Stanzas of VPP that concern what is not here; they may say anything, and have no effect.
WITHOUT_EFFECT = frozenset(_ELSEWHERE.split())
#: Words that have none in stanzas that are here: the arena takes what it needs, idle workers sleep, the API has no
#: shared memory.
WORDS_WITHOUT_EFFECT = {
    "unix": {"poll-sleep-usec"},
    "memory": {"main-heap-size", "main-heap-page-size", "default-hugepage-size"},
    "buffers": {"data-size", "page-size"},
    "statseg": {"size", "page-size"},
    "api-segment": {"prefix", "uid"},
    "api-trace": {"on", "enable"},
}
