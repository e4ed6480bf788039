"""show version, show plugins, show cpu, show threads: the process and the machine that it runs on."""

from __future__ import annotations

import os
import platform
import re
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from weft import features
from weft.core.cli import command
from weft.core.engine import Engine
from weft.core.features import known_as, left_out
from weft.core.runtime import threads_in_use
from weft.features.vlib.format import joined

BUILT_IN = "weft.features."
TOPOLOGY = Path("/sys/devices/system/cpu")
CPU_FLAGS = ("sse4_2", "pclmulqdq", "avx2", "bmi1", "bmi2", "avx512f", "rdrand", "movbe", "aes", "invariant_tsc")


@command("show version", "[verbose] [cmdline]", help="Show the version; in full; what the process was started with")
def show_version(engine: Engine, verbose: bool = False, cmdline: bool = False) -> str:
    from weft import __version__

    if cmdline:
        return joined(["Command line arguments:", *(f"  {argument}" for argument in sys.argv)])
    python = f"{platform.python_implementation()} {platform.python_version()}"
    if not verbose:
        return f"weft v{__version__} on {python}, Numba {_version('numba')}\n"
    rows = [
        ("Version", f"v{__version__}"),
        ("Packet code", "interpreted" if engine.interpret else "compiled"),
        ("Compiler", f"Numba {_version('numba')}, llvmlite {_version('llvmlite')}"),
        ("Interpreter", python),
        ("Host", f"{platform.node()} ({platform.system()} {platform.release()} {platform.machine()})"),
        ("Features", ", ".join(name.removeprefix(BUILT_IN) for name in engine.features)),
        ("Current PID", str(os.getpid())),
    ]
    return joined(f"{name + ':':<26}{value}" for name, value in rows)


@command("show plugins", help="Show the features: where each is, its version, what it is for")
def show_plugins(engine: Engine) -> str:
    from weft import __version__

    lines = [
        f" Plugin path is: {Path(features.__path__[0])}",
        "",
        "     Plugin                                   Version",
    ]
    for number, name in enumerate(engine.features, 1):
        version_ = __version__ if name.startswith(BUILT_IN) else _version_of_plugin(name)
        lines.append(f"{number:>3}. {name.removeprefix(BUILT_IN):<40} {version_}")
        about = (sys.modules[name].__doc__ or "").partition("\n")[0]
        lines.append(f"     {about}")
    if left_out:
        lines += ["", f" Left out by the startup configuration: {', '.join(map(known_as, left_out))}"]
    return joined(lines)


@cache
def _version_of_plugin(name: str) -> str:
    """Of what is running, whatever is installed later; and Python reads all that is installed to tell."""
    return _version(packages_distributions().get(name.partition(".")[0], [name])[0])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


@command("show cpu", help="Show the processor")
def show_cpu(engine: Engine) -> str:
    found = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", _read(Path("/proc/cpuinfo")), re.MULTILINE))
    flags = found.get("flags", "").split()
    rows = [
        ("Model name", found.get("model name", "unknown")),
        ("Microarch model (family)", f"[{found.get('cpu family', '?')}] {found.get('model', '?')}"),
        ("Flags", " ".join(flag for flag in CPU_FLAGS if flag in flags)),
        ("Base frequency", f"{engine.clocks_per_second / 1e9:.2f} GHz"),
    ]
    return joined(f"{name + ':':<26}{value}" for name, value in rows)


@command("show threads", help="Show threads and where they run")
def show_threads(engine: Engine) -> str:
    heading = (("ID", 7), ("Name", 20), ("Type", 12), ("LWP", 8), ("Sched Policy (Priority)", 25))
    lines = [
        "".join(f"{name:<{width}}" for name, width in (*heading, *((n, 7) for n in ("lcore", "Core", "Socket"))))
        + "State"
    ]
    for thread in threads_in_use():
        lwp = engine.workers.lwp.get(thread)
        kind = "workers" if thread else ""
        where = "".join(f"{each:<7}" for each in place(lwp))
        lines.append(
            f"{thread:<7}{engine.workers.names[thread]:<20}{kind:<12}{lwp if lwp is not None else '':<8}"
            f"{_policy(lwp):<25}{where}"
        )
    return joined(lines)


POLICIES = {
    os.SCHED_OTHER: "other",
    os.SCHED_BATCH: "batch",
    os.SCHED_IDLE: "idle",
    os.SCHED_FIFO: "fifo",
    os.SCHED_RR: "rr",
}


def _policy(lwp: int | None) -> str:
    try:
        assert lwp is not None
        policy = POLICIES.get(os.sched_getscheduler(lwp), "n/a")
        return f"{policy} ({os.sched_getparam(lwp).sched_priority})"
    except (AssertionError, OSError):
        return "n/a"


def place(lwp: int | None) -> tuple[str, str, str]:
    """The core that a thread is bound to (where it may run on several: the one that it is on), core and socket."""
    stat = _read(Path(f"/proc/self/task/{lwp}/stat")).rpartition(")")[2].split()
    if len(stat) < 37:
        return "", "", ""
    core = stat[36]
    topology = TOPOLOGY / f"cpu{core}/topology"
    return core, _read(topology / "core_id").strip(), _read(topology / "physical_package_id").strip()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
