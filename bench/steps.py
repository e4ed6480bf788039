"""A program run instruction by instruction, by its parent: ptrace(2) on x86-64 Linux.

Needs no counters of the processor, which virtual machines often do not have, and shows machine code as it is, also
what was made in the process itself and uses any of the processor's instructions, both of which are beyond valgrind.
"""

from __future__ import annotations

import ctypes
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from typing import Any

TRACEME, PEEKTEXT, POKETEXT, CONT, SINGLESTEP, GETREGS, SETREGS, DETACH = 0, 1, 4, 7, 9, 12, 13, 17
BREAKPOINT = 0xCC  #: int3

_libc = ctypes.CDLL(None, use_errno=True)
_ptrace = _libc.ptrace
_ptrace.restype = ctypes.c_long
_ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

#: ``struct user_regs_struct``, in its order.
NAMES = (
    *("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi"),
    *("orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs"),
)


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in NAMES]


class NotTraced(Exception):
    """The child cannot be stepped through, or has ended."""


def request(what: int, pid: int, address: Any = None, data: Any = None) -> int:
    ctypes.set_errno(0)
    result: int = _ptrace(what, pid, address, data)
    if result == -1 and ctypes.get_errno():
        raise NotTraced(f"ptrace request {what}: {os.strerror(ctypes.get_errno())}")
    return result


def traced() -> None:
    """In the child: stop here until the parent lets it go on."""
    request(TRACEME, 0)
    os.kill(os.getpid(), signal.SIGSTOP)


class Stepped:
    """A child that has called ``traced``."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.registers = Registers()
        self._wait(signal.SIGSTOP)

    def _wait(self, expected: int) -> None:
        _, status = os.waitpid(self.pid, 0)
        if not os.WIFSTOPPED(status):
            raise NotTraced("the child has ended")
        if os.WSTOPSIG(status) != expected:
            raise NotTraced(f"the child was stopped by {signal.Signals(os.WSTOPSIG(status)).name}")

    def _read(self) -> None:
        request(GETREGS, self.pid, None, ctypes.byref(self.registers))

    def call(self, function: int) -> Iterator[Registers]:
        """Let the child run until it calls a function, then step through that; the registers before each of its
        instructions, and those of what it calls.
        """
        word = request(PEEKTEXT, self.pid, function)
        request(POKETEXT, self.pid, function, ctypes.c_void_p(word & ~0xFF | BREAKPOINT))
        request(CONT, self.pid)
        self._wait(signal.SIGTRAP)
        request(POKETEXT, self.pid, function, ctypes.c_void_p(word))
        self._read()
        self.registers.rip = function
        request(SETREGS, self.pid, None, ctypes.byref(self.registers))
        top = self.registers.rsp
        while self.registers.rsp <= top:
            yield self.registers
            request(SINGLESTEP, self.pid)
            self._wait(signal.SIGTRAP)
            self._read()

    def memory(self, address: int, size: int) -> bytes:
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as file:
            file.seek(address)
            return file.read(size)

    def close(self) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


def child(run: Callable[[], None]) -> int:
    """Fork a child that does ``run`` and nothing else; its number."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            run()
            status = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(status)
    return pid
