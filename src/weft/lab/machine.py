"""A small virtual machine in QEMU, talked to by its console."""

from __future__ import annotations

import itertools
import os
import re
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from weft.lab.image import image

BOOT_TIME = 120.0  #: seconds, where there is neither KVM nor much of a processor
MEMORY = "128M"


def accelerator() -> str:
    """``kvm`` where it works. A machine without virtualisation of its own may have ``/dev/kvm`` all the same."""
    processor = Path("/proc/cpuinfo").read_text()
    works = re.search(r"\b(vmx|svm)\b", processor) and os.access("/dev/kvm", os.R_OK | os.W_OK)
    return "kvm" if works else "tcg"


class MachineError(Exception):
    """The virtual machine does not do what it should; the message has what it said."""


class Silent(MachineError):
    """It did not say in time what was waited for."""


@dataclass(frozen=True)
class Card:
    """The guest's network card: its vhost-user socket, and who listens there."""

    socket: Path
    mac: str
    server: bool = False  #: QEMU listens, and the engine connects
    queues: int = 1  #: pairs
    options: str = ""  #: of the device: ``,packed=on``


def command(card: Card, serial: str, processors: int = 1, memory: str = MEMORY) -> list[str]:
    """QEMU's command line for a machine with a card. ``serial``: where its console is; ``memory``: in QEMU's units."""
    boot = image()
    chardev = f"socket,id=chr0,path={card.socket}" + (",server=on,wait=off" if card.server else ",reconnect=1")
    # Without KVM, QEMU 7.2 ends with a segmentation fault where a vhost-user card has MSI-X.
    vectors = 2 * card.queues + 2 if accelerator() == "kvm" else 0
    device = f"virtio-net-pci,netdev=net0,mac={card.mac},mq={'on' if card.queues > 1 else 'off'},vectors={vectors}"
    backing = f"memory-backend-memfd,id=ram0,size={memory},share=on"
    return [
        *("qemu-system-x86_64", "-accel", accelerator(), "-m", memory, "-smp", str(processors)),
        *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", serial),
        *("-object", backing, "-machine", "q35,memory-backend=ram0"),
        *("-chardev", chardev, "-netdev", f"vhost-user,id=net0,chardev=chr0,queues={card.queues}"),
        *("-device", device + card.options),
        *("-kernel", str(boot.kernel), "-initrd", str(boot.initrd)),
        *("-append", "console=ttyS0 quiet panic=-1 ipv6.disable=1"),
    ]


class Console:
    """The guest's shell, by descriptors that what it says is read from, and commands are written to."""

    def __init__(self, output: int, input: int) -> None:
        self._output, self._input = output, input
        self._said = b""
        self._numbers = itertools.count()

    def ready(self, seconds: float = BOOT_TIME) -> None:
        """Wait until the guest has booted. It may have said so before anybody listened: it is asked every few seconds.
        Raises MachineError."""
        end = time.monotonic() + seconds
        while True:
            os.write(self._input, b'echo GUEST-""READY\n')  # an echo of it is not what is waited for
            try:
                self._wait(rb"GUEST-READY", 5.0)
                return
            except Silent:
                if time.monotonic() > end:
                    raise

    def run(self, command: str, seconds: float = 30.0) -> str:
        """What a command prints in the guest's shell. Raises MachineError if it fails."""
        number = next(self._numbers)
        self._said = b""
        os.write(self._input, f"{command}\necho ENDED-{number}-$?-\n".encode())
        ended = self._wait(rb"ENDED-%d-(\d+)-" % number, seconds)
        output = ended.string[: ended.start()].decode(errors="replace").replace("\r", "")
        if ended[1] != b"0":
            raise MachineError(f"{command} failed in the guest ({ended[1].decode()}):\n{output}")
        return output

    def ping(self, address: str, count: int = 2, seconds: float = 5.0) -> bool:
        """Whether the guest gets answers from an address."""
        try:
            self.run(f"ping -c {count} -W {seconds:.0f} {address}", seconds * count + 10)
        except MachineError:
            return False
        return True

    def _wait(self, pattern: bytes, seconds: float) -> re.Match[bytes]:
        """Read on until the guest has said something."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self._said)):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._output], [], [], left)[0]:
                raise Silent(f"the guest did not answer within {seconds:.0f} s:\n{self._text}")
            more = os.read(self._output, 65536)
            if not more:
                raise MachineError(f"the machine has ended:\n{self._text}")
            self._said += more
        return found

    @property
    def _text(self) -> str:
        return self._said.decode(errors="replace")[-4000:]


@dataclass
class Machine:
    """Starts with ``with``, or ``start``; ends with it."""

    card: Card
    processors: int = 1
    arguments: tuple[str, ...] = ()
    memory: str = MEMORY
    _process: subprocess.Popen[bytes] | None = None
    _console: Console | None = None

    def start(self) -> Machine:
        """Boot; ``ready`` waits until that is done."""
        self._process = subprocess.Popen(
            [*command(self.card, "stdio", self.processors, self.memory), *self.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C"},
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._console = Console(self._process.stdout.fileno(), self._process.stdin.fileno())
        return self

    @property
    def console(self) -> Console:
        """Its shell. It has started."""
        assert self._console is not None
        return self._console

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def ready(self) -> None:
        """Wait until the guest has booted. Raises MachineError."""
        self.console.ready()

    def run(self, command: str, seconds: float = 30.0) -> str:
        """What a command prints in the guest's shell. Raises MachineError if it fails."""
        return self.console.run(command, seconds)

    def ping(self, address: str, count: int = 2, seconds: float = 5.0) -> bool:
        """Whether the guest gets answers from an address."""
        return self.console.ping(address, count, seconds)

    def stop(self) -> None:
        """Pull the plug."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None

    def __enter__(self) -> Machine:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
