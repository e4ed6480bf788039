"""A machine of the lab: namespaces for its network, processes, mounts and name, on the disk of the machine below.

What runs in a node ends with it, whoever started it; network devices, namespaces and mounts made in it go as well.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from weft_openstack.lab.process import NotReady, Process, wait_for

CLONE_NEWNET = 0x40000000
NAMESPACES = ("--net", "--mount", "--uts", "--ipc", "--pid")
INIT = "weft_openstack.lab.init"


@dataclass(eq=False)
class Node:
    """A node by its name; `folder` is where its number is kept while it lives."""

    name: str
    folder: Path

    @property
    def _file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    @property
    def _init(self) -> list[str]:
        """The arguments of its first process, by which it is known again."""
        return ["-m", INIT, self.name, str(self.folder)]

    def start(self) -> None:
        """Make the namespaces. Raises NotReady."""
        init = (sys.executable, *self._init)
        started = subprocess.Popen(
            ("unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc", *init),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert started.stdout is not None and started.stderr is not None
        with started.stdout, started.stderr:
            if started.stdout.readline() != b"ready\n":
                started.kill()
                raise NotReady(f"{self.name}: no namespaces: {started.stderr.read().decode().strip()}")
        children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
        self._file.write_text(children[0])

    @property
    def pid(self) -> int:
        """The number of its first process, out here; 0 if it does not live."""
        try:
            number = int(self._file.read_text())
            arguments = Path(f"/proc/{number}/cmdline").read_bytes().decode().split("\0")
        except (OSError, ValueError):
            return 0
        return number if arguments[1:5] == self._init else 0

    def inside(self, *command: str) -> tuple[str, ...]:
        """A command that runs another one in the node. Raises NotReady."""
        if not self.pid:
            raise NotReady(f"{self.name} does not run; `make lab-openstack` starts the lab")
        return ("nsenter", "--target", str(self.pid), *NAMESPACES, "--", *command)

    def take(self, process: Process) -> Process:
        """Let a process run in the node."""
        process.command = self.inside(*process.command)
        return process

    def run(self, *command: str, seconds: float = 60) -> str:
        """What a command prints in the node. Raises NotReady."""
        try:
            done = subprocess.run(self.inside(*command), text=True, capture_output=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise NotReady(f"{self.name}: {' '.join(command)}: not after {seconds:.0f} s") from None
        if done.returncode:
            said = (done.stderr + done.stdout).strip()
            raise NotReady(f"{self.name}: {' '.join(command)}: {said or f'ended with {done.returncode}'}")
        return done.stdout

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """Let this thread be in the node's network."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            after = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
            try:
                _enter(after)
            finally:
                os.close(after)
            try:
                yield
            finally:
                _enter(before)
        finally:
            os.close(before)

    def stop(self) -> bool:
        """End it, with all that is in it; whether it lived."""
        number = self.pid
        if number:
            os.kill(number, signal.SIGKILL)
            wait_for(lambda: not _lives(number), 30, f"the end of {self.name}")
        self._file.unlink(missing_ok=True)
        return bool(number)


def _lives(number: int) -> bool:
    """Whether a process is more than a zombie. The first of a namespace is one when all others in it have ended."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "a network namespace cannot be entered")


def cable(one: Node, device: str, other: Node, far: str) -> None:
    """Join two nodes by a veth, which is up."""
    peer = ("peer", "name", far, "netns", str(other.pid))
    subprocess.run(
        ("ip", "link", "add", device, "netns", str(one.pid), "type", "veth", *peer), check=True, capture_output=True
    )
    one.run("ip", "link", "set", device, "up")
    other.run("ip", "link", "set", far, "up")
