"""Programs that a measurement starts: each can be held and let go on, and ends when the measurement does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

LIMIT = 30.0  #: seconds that anything may take: a start, a command
#: For DPDK: no devices of the machine; and no telemetry, of which each new process asks the others, which do not answer
#: while they are held.
ALONE = ("--no-pci", "--no-telemetry")
EVERYWHERE = os.sched_getaffinity(0)
HIGHEST = -20  #: the priority that is called "nice"
PROMPT = "testpmd> "
HUGE_PAGES = Path("/proc/sys/vm/nr_hugepages")


def lead() -> None:
    """This process, and what it starts with ``ask``, run at once when they have something to do, which is rare, and not
    where the switches do.
    """
    with suppress(OSError):
        os.sched_setaffinity(0, {0})
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def _go_first() -> None:
    """What else the machine does shall wait while this process runs. Where Linux groups processes by their sessions, it
    is the session's priority that counts.
    """
    with suppress(OSError):
        os.sched_setaffinity(0, EVERYWHERE)
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, 0, HIGHEST)
        Path("/proc/self/autogroup").write_text(str(HIGHEST))


class Unavailable(Exception):
    """A program that cannot take part, and why."""


class Program:
    """A process. What it says goes to ``log``, of which an error shows the end."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self.name, self._log = Path(command[0]).name, log
        with log.open("ab") as output:
            try:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    env=environment,
                    start_new_session=True,
                    preexec_fn=_go_first,
                )
            except OSError as error:
                raise Unavailable(f"{command[0]}: {error.strerror}") from None

    def wait_for(self, path: Path) -> None:
        """Until it has made a file."""
        self.until(path.exists, f"{path.name} has not appeared")

    def wait_for_words(self, words: str) -> None:
        """Until it has said something."""
        self.until(lambda: words in self.said, f"it has not said {words!r}")

    def until(self, done: Callable[[], bool], otherwise: str) -> None:
        """Raises Unavailable."""
        deadline = time.monotonic() + LIMIT
        while not done():
            if self.process.poll() is not None:
                raise Unavailable(f"{self.name} has ended: {self.last_words}")
            if time.monotonic() > deadline:
                raise Unavailable(f"{self.name}: {otherwise} within {LIMIT:.0f} s: {self.last_words}")
            time.sleep(0.02)

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def last_words(self) -> str:
        lines = [line.strip() for line in self.said.splitlines() if line.strip()]
        return " / ".join(lines[-3:]) or "it has said nothing"

    def hold(self) -> None:
        """It uses no processor until it is let go."""
        self.process.send_signal(signal.SIGSTOP)

    def let_go(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()


def ask(*command: str, environment: dict[str, str] | None = None) -> str:
    """What a command says that ends by itself. Raises Unavailable."""
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False)
    except OSError as error:
        raise Unavailable(f"{command[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} has not ended within {LIMIT:.0f} s") from None
    if done.returncode:
        raise Unavailable(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


class Testpmd(Program):
    """An interactive testpmd whose ports are forwarded on one core. Its commands are read on core 0."""

    def __init__(self, folder: Path, name: str, core: int, memory: list[str], vdevs: list[str]) -> None:
        # Even a short answer would wait in a buffer otherwise: it is no terminal that it writes to.
        program = ["stdbuf", "-o0", "dpdk-testpmd", *memory, *ALONE, f"--file-prefix={name}{os.getpid()}"]
        cores = ["--lcores", f"0@0,1@{core}", *(f"--vdev={vdev}" for vdev in vdevs)]
        ports = ["-i", "--total-num-mbufs=8192", "--no-mlockall"]
        super().__init__([*program, *cores, "--", *ports], folder / f"{name}.log")
        self.name = "dpdk-testpmd"

    def ready(self) -> None:
        """Wait until it takes commands: a virtio-user port that listens waits for the other side before."""
        self.until(lambda: self.said.endswith(PROMPT), "it does not take commands")
        self.say("set record-core-cycles on")

    def say(self, line: str) -> str:
        """What it answers. Raises Unavailable."""
        before = len(self.said)
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise Unavailable(f"{self.name} has ended: {self.last_words}") from None
        # It repeats the line, and shows its prompt again when it has done what that says.
        self.until(lambda: self._answered(line, before), f"it does not answer `{line}'")
        return self.said[before:]

    def _answered(self, line: str, before: int) -> bool:
        return self.said[before:].partition(line)[2].endswith(PROMPT)

    def packets(self) -> int:
        """Received so far, at all ports."""
        return sum(map(int, re.findall(r"RX-packets: (\d+)", self.say("show port stats all"))))

    def forget(self) -> None:
        """Count the clocks of packets from now on."""
        self.say("clear fwd stats all")

    def clocks(self) -> float:
        """That its core has taken for a packet, without empty looks at queues."""
        return self._spent()[0]

    def busy(self) -> float:
        """Seconds that its core has taken for packets."""
        _, clocks, mhz = self._spent()
        return clocks / mhz / 1e6

    def _spent(self) -> tuple[float, float, float]:
        """Clocks for a packet, clocks in all, millions of clocks in a second."""
        said = self.say("show fwd stats all")
        found = re.search(r"CPU cycles/packet=([\d.]+) \(total cycles=(\d+) .* at (\d+) MHz", said)
        return (float(found[1]), float(found[2]), float(found[3])) if found else (float("nan"),) * 3


class HugePages:
    """Enough 2 MB pages while something is measured, if the machine lets us have them."""

    def __init__(self, wanted: int) -> None:
        self._before = ""
        with suppress(OSError):
            self._before = HUGE_PAGES.read_text().strip()
            if int(self._before) < wanted:
                HUGE_PAGES.write_text(str(wanted))
        free = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")
        self.enough = free.exists() and int(free.read_text()) >= wanted

    def close(self) -> None:
        with suppress(OSError):
            HUGE_PAGES.write_text(self._before)
