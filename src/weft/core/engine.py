"""The engine: arena, graph, workers, timers, features, behind one object.

from weft import Engine

with Engine() as engine:
    engine.cli("create packet-generator interface pg0")
    ...
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from weft.core import buffer, counters, features, punt, runtime, trace
from weft.core.arena import Arena
from weft.core.cli import Cli
from weft.core.compiler import Progress, Store, load_all, python_callable
from weft.core.files import Files
from weft.core.fusing import mode_of_environment
from weft.core.fusing.fuser import Fuser
from weft.core.graph import Graph
from weft.core.loop import loop_of
from weft.core.memory import functions
from weft.core.model import MODELS, Invalid
from weft.core.node import NODES, ROUTINES
from weft.core.timers import Timers
from weft.core.view import POINTER, View
from weft.core.worker import Workers, read_clock

if TYPE_CHECKING:
    from weft.core.hashmap import HashMap

M = TypeVar("M")

DEFAULT_BUFFERS = 16808
CALIBRATION = 0.02  #: seconds between the readings that say how fast the workers' clock runs, at least

_measured: list[float] = []  # clocks per second


class Engine:
    """One forwarder. ``workers=0``: the caller's thread forwards, in ``step`` (what tests want)."""

    def __init__(
        self,
        *,
        workers: int = 1,
        corelist: list[int] | None = None,
        buffers: int = DEFAULT_BUFFERS,
        interpret: bool | None = None,
        progress: Progress | None = None,
        store: Store | None = None,
        fuse: str | None = None,
    ) -> None:
        if not 0 <= workers < runtime.MAX_THREADS:
            raise ValueError(f"{workers} workers asked for; 0 to {runtime.MAX_THREADS - 1} are possible")
        mode = fuse or mode_of_environment()
        self.interpret = bool(os.environ.get("WEFT_INTERPRET")) if interpret is None else interpret
        self.log = logging.getLogger("weft")
        self._keeper = _Keeper()
        self.features = features.load()
        self.commands = Cli(user_errors=(Invalid,))
        self.hash_maps: list[HashMap] = []
        self._routines: dict[Callable[..., Any], Callable[..., int]] = {}
        self._models: dict[type, Any] = {}
        self._making: list[type] = []
        self._close: list[Callable[[], None]] = []
        self.log.addHandler(self._keeper)
        try:
            code = {} if self.interpret else load_all([*NODES, *ROUTINES], store or Store(), progress)
            self.arena = Arena((buffers + 2) * buffer.STRIDE, counters.lay_out(workers + 1))
            self._close.append(self.arena.close)
            runtime.setup(workers + 1)
            counters.setup()
            buffer.setup(buffers)
            installed = self._install(code)
            began = self._reading()
            self.timers = Timers(lambda: self.log.exception("a timer's action failed"))
            self.files = Files(lambda: self.log.exception("what a file descriptor brought failed"))
            self._close.append(self.files.close)
            self._start_clock, self._start_time = self.call(read_clock), self.timers.seconds
            self._turned: list[tuple[int, float]] = []  # by which the clock was turned forward, and when
            self.workers = Workers(self, workers, corelist)
            self._close.append(self.workers.close)
            self.graph = Graph(self.arena, installed, self.workers.quiesce)
            self.clocks_per_second = self._calibrate(*began)
            self.punts = punt.Punts(self, self.clocks_per_second)
            self._close.append(self.punts.close)
            self.trace = trace.Trace(self)
            for cls in MODELS:
                self[cls]
            self.fuser = Fuser(self, store, mode)
            self._close.append(self.workers.stop)  # the last that is opened is the first that is closed
            self._close.append(self.fuser.close)
            self.workers.start()
        except BaseException:
            self.close()
            raise

    # --- machine code

    def _install(self, code: dict[str, int]) -> dict[str, int]:
        """Put each routine's address into its slot. Returns each node's function."""
        if not self.interpret:
            for routine in ROUTINES.values():
                address, count = code[routine.name], routine.function.__code__.co_argcount
                POINTER.store(routine.slot, address)
                self._routines[routine.function] = python_callable(address, count)
            return {name: code[name] for name in NODES}
        self._routines = {routine.function: routine.function for routine in ROUTINES.values()}
        functions.clear()
        found = {}
        for number, node in enumerate(NODES.values(), 1):
            functions[number] = loop_of(node)
            found[node.name] = number
        return found

    def call(self, function: Callable[..., Any], *arguments: int | View) -> int:
        """Run a routine, compiled or interpreted, on this thread (which is thread 0 to it)."""
        if self.interpret:
            return self._routines[function](*arguments)
        return self._routines[function](*[getattr(a, "address", a) for a in arguments])

    def address_of(self, function: Callable[..., Any]) -> int:
        """Where the code of a routine of three numbers is, for ``memory.call``."""
        if not self.interpret:
            slot = next(routine.slot for routine in ROUTINES.values() if routine.function is function)
            return POINTER.load(slot)
        number = len(functions) + 1
        functions[number] = function
        return number

    # --- time

    def _calibrate(self, first: int, start: int) -> float:
        """Clocks of the workers' clock in a second, since a reading. The processor's runs alike for all engines of a
        process.
        """
        if self.interpret:
            return 1e9
        if not _measured:
            time.sleep(max(CALIBRATION - (time.perf_counter_ns() - start) / 1e9, 0))
            last, end = self._reading()
            _measured.append((last - first) * 1e9 / (end - start))
        return _measured[0]

    def _reading(self) -> tuple[int, int]:
        """The workers' clock and ours, in nanoseconds, read as close together as comes of a few attempts."""
        readings = []
        for _ in range(5):
            before, clock, after = time.perf_counter_ns(), self.call(read_clock), time.perf_counter_ns()
            readings.append((after - before, clock, (before + after) // 2))
        return min(readings)[1:]

    def seconds_at(self, clock: int) -> float:
        """Seconds since the start at a reading of the workers' clock."""
        turned = sum(seconds for since, seconds in self._turned if since <= clock)
        return self._start_time + turned + (clock - self._start_clock) / self.clocks_per_second

    # --- log

    @property
    def messages(self) -> deque[logging.LogRecord]:
        """The latest log messages."""
        return self._keeper.messages

    def keep_messages(self, count: int) -> None:
        """Keep so many of them from now on."""
        self._keeper.messages = deque(self.messages, maxlen=count)

    # --- models

    def __getitem__(self, cls: type[M]) -> M:
        """The model of a class."""
        if cls not in self._models:
            if cls in self._making:
                way = " → ".join(each.__name__ for each in [*self._making, cls])
                raise RuntimeError(f"models need one another in a circle: {way}")
            self._making.append(cls)
            try:
                made = cls(self)  # type: ignore[call-arg]
            finally:
                self._making.pop()
            self._models[cls] = made
            if hasattr(made, "close"):
                self._close.append(made.close)
        found: M = self._models[cls]
        return found

    # --- running

    def pump(self) -> int:
        """What the main thread has to do now: punted packets, files and timers. How many packets there were."""
        handled = self.punts.drain()
        self.files.run()
        self.timers.run()
        return handled

    def step(self) -> None:
        """Without workers: forward until nothing is left to do."""
        for _ in range(10_000):
            self.fuser.before_round()
            if not self.workers.step() + self.punts.drain() + self.files.run():
                break
            self.fuser.after_round()
        self.timers.run()

    def advance(self, seconds: float) -> None:
        """Turn the clock forward: what falls due on the way is done in its order."""
        self._turned.append((self.call(read_clock), seconds))
        self.timers.advance(seconds)

    def cli(self, line: str) -> str:
        """Run a CLI command; its output. Raises CliError."""
        return self.commands.run(self, line)

    def close(self) -> None:
        """Stop and give everything back."""
        while self._close:
            try:
                self._close.pop()()
            except Exception:
                self.log.exception("closing failed")
        self.log.removeHandler(self._keeper)

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


class _Keeper(logging.Handler):
    """Keeps the latest log messages for ``show logging``."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: deque[logging.LogRecord] = deque(maxlen=2000)

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record)
