"""What an instruction does with memory, from its bytes (x86-64)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

LONGEST = 15  #: bytes of an instruction


@dataclass(frozen=True)
class Operand:
    """A place in memory: base + index * scale + displacement."""

    base: str  # a register, or empty
    index: str
    scale: int
    displacement: int
    size: int
    read: bool
    write: bool

    def address(self, registers: Any) -> int:
        at = self.displacement
        if self.base:
            at += getattr(registers, self.base)
        if self.index:
            at += getattr(registers, self.index) * self.scale
        return at & (1 << 64) - 1


@dataclass(frozen=True)
class Instruction:
    name: str
    length: int
    branch: bool  # conditional
    prefetch: bool
    operands: tuple[Operand, ...]
    text: str = ""

    @property
    def loads(self) -> int:
        implied = self.name in ("pop", "ret")
        return implied + sum(each.read for each in self.operands)

    @property
    def stores(self) -> int:
        implied = self.name in ("push", "call")
        return implied + sum(each.write for each in self.operands)


@cache
def _decoder() -> Any:
    import capstone

    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    decoder.detail = True
    return decoder


def decode(code: bytes) -> Instruction:
    """The first instruction. Raises ValueError."""
    from capstone import CS_AC_READ, CS_AC_WRITE, x86

    found = next(_decoder().disasm(code[:LONGEST], 0), None)
    if found is None:
        raise ValueError(f"no instruction: {code[:LONGEST].hex()}")
    name = found.mnemonic.split()[-1]
    prefetch = name.startswith("prefetch")
    operands = []
    for each in found.operands if name not in ("lea", "nop") else ():
        if each.type != x86.X86_OP_MEM:
            continue
        base, index = (found.reg_name(number) or "" for number in (each.mem.base, each.mem.index))
        if index[:3] in ("xmm", "ymm", "zmm"):
            continue  # gathers: several places, in registers that are not looked at
        at = each.mem.disp + (found.size if base == "rip" else 0)
        read, write = bool(each.access & CS_AC_READ), bool(each.access & CS_AC_WRITE)
        if not prefetch and not read and not write:
            read = True
        operands.append(Operand(base, index, each.mem.scale, at, each.size, read and not prefetch, write))
    conditional = name.startswith("j") and name != "jmp"
    text = f"{found.mnemonic} {found.op_str}".rstrip()
    return Instruction(name, found.size, conditional, prefetch, tuple(operands), text)
