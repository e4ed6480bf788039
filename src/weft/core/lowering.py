"""What views and memory words are as machine code: the only file that speaks to Numba's type system.

``teach()`` tells Numba everything once per compiling process. Interpreted runs and runs from kept machine code never
import this file, nor Numba.
"""

from __future__ import annotations

import inspect
import operator
import platform
from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.datamodel import PrimitiveModel
from numba.core.imputils import lower_constant, lower_getattr_generic, lower_setattr_generic
from numba.core.registry import cpu_target
from numba.core.typing.templates import (
    AbstractTemplate,
    AttributeTemplate,
    infer_global,
    signature,
)
from numba.extending import (
    infer_getattr,
    lower_builtin,
    lower_cast,
    register_model,
    type_callable,
    typeof_impl,
)

from weft.core import memory
from weft.core.node import INLINES, ROUTINES, Node, Routine
from weft.core.view import (
    VIEWS,
    Area,
    ArrayKind,
    Field,
    Kind,
    RefKind,
    RowsAt,
    RowsKind,
    Scalar,
    View,
    methods,
    properties,
)

I8, I16, I32, I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
VOID = ir.VoidType()
INT = types.int64

#: How packet code is compiled: no exceptions, no reference counts; integer division by zero is the caller's care.
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
#: How functions are compiled that become part of others: nobody calls them otherwise, so they need no ways in.
PART: dict[str, Any] = {**OPTIONS, "forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


class ViewType(types.Type):  # type: ignore[misc]
    """The Numba type of a view class's instances."""

    def __init__(self, cls: type[View]) -> None:
        self.cls = cls
        super().__init__(name=f"view({cls.__module__}.{cls.__qualname__})")


class RowsType(types.Type):  # type: ignore[misc]
    """The Numba type of a pointer to rows, perhaps of ones that never change."""

    def __init__(self, row: Kind, fixed: bool = False) -> None:
        self.row, self.fixed = row, fixed
        super().__init__(name=f"rows({row_name(row)}, {fixed})")


def row_name(row: Kind) -> str:
    return f"{row.__module__}.{row.__qualname__}" if isinstance(row, type) else repr(row)


for _type in (ViewType, RowsType):

    @register_model(_type)
    class _Address(PrimitiveModel):  # type: ignore[misc]
        def __init__(self, manager: Any, numba_type: Any) -> None:
            super().__init__(manager, numba_type, I64)


def kind_type(kind: Kind, fixed: bool = False) -> types.Type:
    """The Numba type that reading a field or a row of ``kind`` gives."""
    match kind:
        case Scalar() | Area():
            return INT
        case ArrayKind():
            return RowsType(kind.row, fixed)
        case RowsKind():
            return RowsType(kind.row)
        case RefKind():
            return ViewType(kind.cls)
    return ViewType(kind)


# --- loads and stores -----------------------------------------------------------------------------------------------


def _pointer(builder: Any, address: Any, bits: int, offset: int = 0) -> Any:
    """A pointer to a number so many bytes behind an address. LLVM sees that fields of one record do not overlap."""
    if offset == 0:
        return builder.inttoptr(address, ir.IntType(bits).as_pointer())
    base = builder.inttoptr(address, I8.as_pointer())
    return builder.bitcast(builder.gep(base, [I64(offset)]), ir.IntType(bits).as_pointer())


class Access:
    """What is known of a load or store: through which view it is, and whether the field is fixed."""

    def __init__(self, cls: type[View] | None = None, fixed: bool = False) -> None:
        self.cls, self.fixed = cls, fixed

    def note(self, builder: Any, instruction: Any) -> None:
        """Tell LLVM. Each view that is apart is a scope, and overlaps with nothing outside of it."""
        metadata = builder.module.add_metadata
        scopes = {cls: metadata([cls.__qualname__, metadata(["weft"])]) for cls in VIEWS if cls.apart}
        if self.cls is not None and (own := scopes.pop(self.cls, None)) is not None:
            instruction.set_metadata("alias.scope", metadata([own]))
        if scopes:
            instruction.set_metadata("noalias", metadata(list(scopes.values())))
        if self.fixed:
            instruction.set_metadata("invariant.load", metadata([]))


def load_scalar(builder: Any, address: Any, offset: int, kind: Scalar, access: Access) -> Any:
    if kind.bits == 48:
        # One load and a mask is less work than the two loads that 48 bits take. The two bytes more are always there:
        # no zone of the arena ends in such a number.
        word = builder.load(_pointer(builder, address, 64, offset))
        word.align = 1
        access.note(builder, word)
        return builder.and_(word, I64(kind.mask))
    return load_from(builder, _pointer(builder, address, kind.bits, offset), kind, access)


def load_from(builder: Any, pointer: Any, kind: Scalar, access: Access) -> Any:
    value = builder.load(pointer)
    value.align = 1
    access.note(builder, value)
    if kind.big_endian and kind.bits > 8:
        value = builder.bswap(value)
    if kind.bits == 64:
        return value
    return builder.sext(value, I64) if kind.signed else builder.zext(value, I64)


def store_to(builder: Any, pointer: Any, kind: Scalar, value: Any, access: Access) -> None:
    if kind.bits < 64:
        value = builder.trunc(value, ir.IntType(kind.bits))
    if kind.big_endian and kind.bits > 8:
        value = builder.bswap(value)
    store = builder.store(value, pointer)
    store.align = 1
    access.note(builder, store)


def load_kind(builder: Any, address: Any, offset: int, kind: Kind, access: Access) -> Any:
    match kind:
        case Scalar():
            return load_scalar(builder, address, offset, kind, access)
        case RowsKind() | RefKind():
            return load_scalar(builder, address, offset, Scalar("pointer", 64), access)
    return offset_of(builder, address, offset)


def offset_of(builder: Any, base: Any, offset: int) -> Any:
    return builder.add(base, I64(offset)) if offset else base


# --- views ----------------------------------------------------------------------------------------------------------


@typeof_impl.register(View)
def _typeof_view(value: View, context: Any) -> ViewType:
    return ViewType(type(value))


@typeof_impl.register(RowsAt)
def _typeof_rows(value: RowsAt, context: Any) -> RowsType:
    return RowsType(value.row, value.settled)


@lower_constant(ViewType)
@lower_constant(RowsType)
def _constant(context: Any, builder: Any, numba_type: Any, value: Any) -> Any:
    return I64(value.address)


@lower_cast(ViewType, types.Integer)
@lower_cast(RowsType, types.Integer)
def _to_integer(context: Any, builder: Any, source: Any, target: Any, value: Any) -> Any:
    return context.cast(builder, value, INT, target)


@lower_cast(types.Integer, ViewType)
@lower_cast(types.Integer, RowsType)
def _from_integer(context: Any, builder: Any, source: Any, target: Any, value: Any) -> Any:
    return context.cast(builder, value, source, INT)


@infer_getattr
class _ViewAttribute(AttributeTemplate):  # type: ignore[misc]
    key = ViewType

    def generic_resolve(self, view: Any, name: str) -> types.Type | None:
        if name == "address":
            return INT
        if name == "size":
            return INT
        field = view.cls.fields.get(name)
        return kind_type(field.kind, is_fixed(view.cls, field)) if field else _computed_type(view.cls, name)


@lower_getattr_generic(ViewType)
def _get_field(context: Any, builder: Any, view: ViewType, base: Any, name: str) -> Any:
    if name == "address":
        return base
    if name == "size":
        return I64(view.cls.size)
    if name not in view.cls.fields:
        function = properties(view.cls)[name]
        sig = signature(_property_type(view.cls, name), view)
        return _call_dispatcher(context, builder, function, sig, [base])
    field: Field = view.cls.fields[name]
    return load_kind(builder, base, field.offset, field.kind, Access(view.cls, is_fixed(view.cls, field)))


def is_fixed(cls: type[View], field: Field) -> bool:
    """Whether no packet code writes to a field."""
    return field.fixed or cls.settled


@lower_setattr_generic(ViewType)
def _set_field(context: Any, builder: Any, sig: Any, args: Any, name: str) -> None:
    field: Field = sig.args[0].cls.fields[name]
    value_type = sig.args[1]
    value = args[1]
    if is_fixed(sig.args[0].cls, field):
        raise TypeError(f"{name} of {sig.args[0]} is fixed: packet code does not write to it")
    if isinstance(field.kind, RowsKind | RefKind):
        kind = Scalar("pointer", 64)
    elif isinstance(field.kind, Scalar):
        kind = field.kind
    else:
        raise TypeError(f"{name} of {sig.args[0]} is inline; assign its fields")
    if not isinstance(value_type, ViewType | RowsType):
        value = context.cast(builder, value, value_type, INT)
    pointer = _pointer(builder, args[0], kind.bits, field.offset)
    store_to(builder, pointer, kind, value, Access(sig.args[0].cls))


@infer_getattr
class _RowsAttribute(AttributeTemplate):  # type: ignore[misc]
    key = RowsType

    def resolve_address(self, rows: RowsType) -> types.Type:
        return INT


@lower_getattr_generic(RowsType)
def _rows_address(context: Any, builder: Any, rows: RowsType, base: Any, name: str) -> Any:
    return base


@infer_global(operator.getitem)
class _GetRow(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) == 2 and isinstance(args[0], RowsType):
            return signature(kind_type(args[0].row), args[0], INT)
        return None


@infer_global(operator.setitem)
class _SetRow(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) == 3 and isinstance(args[0], RowsType) and not args[0].fixed and isinstance(args[0].row, Scalar):
            return signature(types.none, args[0], INT, INT)
        return None


def _row_address(context: Any, builder: Any, rows: RowsType, args: Any) -> Any:
    return builder.add(args[0], builder.mul(args[1], I64(rows.row.size)))


def _element(builder: Any, args: Any, kind: Scalar) -> Any:
    """A pointer to an element. LLVM sees that neighbours are neighbours, and can use vector instructions."""
    base = _pointer(builder, args[0], 8)
    offset = builder.mul(args[1], I64(kind.size))
    return builder.bitcast(builder.gep(base, [offset]), ir.IntType(kind.bits).as_pointer())


@lower_builtin(operator.getitem, RowsType, types.Integer)
def _get_row(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    rows = sig.args[0]
    if isinstance(rows.row, Scalar):
        return load_from(builder, _element(builder, args, rows.row), rows.row, Access(fixed=rows.fixed))
    return load_kind(builder, _row_address(context, builder, rows, args), 0, rows.row, Access(fixed=rows.fixed))


@lower_builtin(operator.setitem, RowsType, types.Integer, types.Integer)
def _set_row(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    store_to(builder, _element(builder, args, sig.args[0].row), sig.args[0].row, args[2], Access())
    return context.get_dummy_value()


def _teach_view(cls: type[View]) -> None:
    @type_callable(cls)
    def type_view(context: Any) -> Callable[[Any], Any]:
        def typer(address: Any) -> Any:
            return ViewType(cls) if isinstance(address, types.Integer | types.IntEnumMember) else None

        return typer

    @lower_builtin(cls, types.Any)
    def make_view(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.cast(builder, args[0], sig.args[0], INT)


def _dispatcher(function: Callable[..., Any]) -> types.Dispatcher:
    """A function's Numba dispatcher: it becomes part of its callers."""
    if function not in _dispatchers:
        _dispatchers[function] = njit(**PART)(function)
    return types.Dispatcher(_dispatchers[function])


#: Numba itself holds dispatchers only weakly.
_dispatchers: dict[Callable[..., Any], Any] = {}


def _call_dispatcher(context: Any, builder: Any, function: Callable[..., Any], sig: Any, args: Any) -> Any:
    dispatcher = _dispatcher(function)
    inner = dispatcher.get_call_type(context.typing_context, sig.args, {})
    implementation = context.get_function(dispatcher, inner)
    context.add_linking_libs(getattr(implementation, "libs", ()))
    return implementation(builder, args)


@cache
def _computed_type(cls: Any, name: str) -> types.Type | None:
    """The type of ``view.name`` where that is a property or a method."""
    return _property_type(cls, name) or _method_type(cls, name)


def _method_type(cls: type[View], name: str) -> types.BoundFunction | None:
    """The type of ``view.name`` where that is a method."""
    function = methods(cls).get(name)
    if function is None:
        return None

    class Method(AbstractTemplate):  # type: ignore[misc]
        key = (cls, name)

        def generic(self, args: Any, kws: Any) -> Any:
            assert function is not None
            inner = _dispatcher(function).get_call_type(self.context, (self.this, *args), kws)
            return signature(inner.return_type, *inner.args[1:], recvr=self.this)

    @lower_builtin((cls, name), ViewType, types.VarArg(types.Any))
    def lower_method(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call_dispatcher(context, builder, function, sig, args)

    return types.BoundFunction(Method, ViewType(cls))


def _property_type(cls: type[View], name: str) -> types.Type | None:
    """The type of ``view.name`` where that is computed."""
    function = properties(cls).get(name)
    if function is None:
        return None
    context = cpu_target.typing_context
    return _dispatcher(function).get_call_type(context, (ViewType(cls),), {}).return_type


# --- memory words ---------------------------------------------------------------------------------------------------


def _intrinsic(builder: Any, name: str, result: Any, args: list[Any]) -> Any:
    kind = ir.FunctionType(result, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


def _byte_pointer(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, I8.as_pointer())


def _prefetch(builder: Any, address: Any, *, write: bool = True) -> None:
    args = [_byte_pointer(builder, address), I32(int(write)), I32(3), I32(1)]
    _intrinsic(builder, "llvm.prefetch.p0", VOID, args)


def _pause(builder: Any) -> None:
    if platform.machine() == "x86_64":
        _intrinsic(builder, "llvm.x86.sse2.pause", VOID, [])


def _atomic_add(builder: Any, address: Any, value: Any) -> Any:
    return builder.atomic_rmw("add", _pointer(builder, address, 64), value, "seq_cst")


def _atomic_swap(builder: Any, address: Any, expected: Any, value: Any) -> Any:
    pair = builder.cmpxchg(_pointer(builder, address, 64), expected, value, "seq_cst", "seq_cst")
    return builder.zext(builder.extract_value(pair, 1), I64)


def _transfer(name: str) -> Callable[..., None]:
    def lower(builder: Any, destination: Any, source: Any, size: Any) -> None:
        args = [_byte_pointer(builder, destination), _byte_pointer(builder, source), size, ir.IntType(1)(0)]
        _intrinsic(builder, f"llvm.{name}.p0.p0.i64", VOID, args)

    return lower


def _fill(builder: Any, address: Any, byte: Any, size: Any) -> None:
    args = [_byte_pointer(builder, address), builder.trunc(byte, I8), size, ir.IntType(1)(0)]
    _intrinsic(builder, "llvm.memset.p0.i64", VOID, args)


def _mix(builder: Any, value: Any) -> Any:
    value = builder.xor(value, builder.lshr(value, I64(32)))
    return builder.lshr(builder.mul(value, I64(0x9E3779B97F4A7C15)), I64(32))


def _highest_bit(builder: Any, value: Any) -> Any:
    return builder.sub(I64(63), builder.ctlz(value, ir.IntType(1)(0)))


def _equal4(builder: Any, address: Any, value: Any) -> Any:
    four = ir.VectorType(I64, 4)
    words = builder.load(builder.inttoptr(address, four.as_pointer()))
    words.align = 8
    one = builder.insert_element(ir.Constant(four, ir.Undefined), value, I32(0))
    wanted = builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(I32, 4), [0] * 4))
    bits = builder.bitcast(builder.icmp_signed("==", words, wanted), ir.IntType(4))
    return builder.zext(bits, I64)


def _known(bits: int) -> Callable[..., None]:
    def lower(builder: Any, address: Any, value: Any) -> None:
        kind = ir.IntType(bits)
        found = builder.load(_pointer(builder, address, bits))
        found.align = 1
        Access(fixed=True).note(builder, found)
        _same(builder, found, value if bits == 64 else builder.trunc(value, kind))

    return lower


def _same(builder: Any, a: Any, b: Any) -> None:
    _intrinsic(builder, "llvm.assume", VOID, [builder.icmp_unsigned("==", a, b)])


def _opaque(builder: Any, value: Any) -> Any:
    """Assembly of no instruction, whose result is what goes in."""
    nothing = ir.InlineAsm(ir.FunctionType(I64, [I64]), "", "=r,0", side_effect=False)
    call = builder.call(nothing, [value])
    call.attributes.add("nounwind")
    call.attributes.add("readnone")
    return call


def _reckoned(builder: Any, value: Any) -> Any:
    constant = _intrinsic(builder, "llvm.is.constant.i64", ir.IntType(1), [value])
    return builder.select(constant, value, _opaque(builder, value))


def _swap16(builder: Any, value: Any) -> Any:
    return builder.zext(builder.bswap(builder.trunc(value, I16)), I64)


def _syscall(builder: Any, *args: Any) -> Any:
    result = _intrinsic(builder, "syscall", I64, list(args))
    before = builder.block
    failed = builder.icmp_signed("==", result, I64(-1))
    with builder.if_then(failed, likely=False):
        where = builder.call(
            cgutils.get_or_insert_function(builder.module, ir.FunctionType(I32.as_pointer(), []), "__errno_location"),
            [],
        )
        error = builder.neg(builder.sext(builder.load(where), I64))
        inside = builder.block
    merged = builder.phi(I64)
    merged.add_incoming(error, inside)
    merged.add_incoming(result, before)
    return merged


def _call(builder: Any, function: Any, a: Any, b: Any, c: Any) -> Any:
    kind = ir.FunctionType(I64, [I64, I64, I64])
    return builder.call(builder.inttoptr(function, kind.as_pointer()), [a, b, c])


def _atomic_load(builder: Any, address: Any) -> Any:
    return builder.load_atomic(_pointer(builder, address, 64), "acquire", 8)


def _atomic_store(builder: Any, address: Any, value: Any) -> None:
    builder.store_atomic(value, _pointer(builder, address, 64), "release", 8)


#: Word -> its machine code: a function of the builder and the arguments, all 64-bit.
WORDS: dict[Callable[..., Any], Callable[..., Any]] = {
    memory.wrap: lambda builder, value: value,
    memory.shift_right: lambda builder, value, count: builder.lshr(value, count),
    memory.prefetch: _prefetch,
    memory.prefetch_shared: lambda builder, address: _prefetch(builder, address, write=False),
    memory.opaque: _opaque,
    memory.reckoned: _reckoned,
    memory.known8: _known(8),
    memory.known16: _known(16),
    memory.known32: _known(32),
    memory.known64: _known(64),
    memory.same: _same,
    memory.clock: lambda builder: _intrinsic(builder, "llvm.readcyclecounter", I64, []),
    memory.fence: lambda builder: builder.fence("seq_cst"),
    memory.pause: _pause,
    memory.atomic_add: _atomic_add,
    memory.atomic_swap: _atomic_swap,
    memory.atomic_load: _atomic_load,
    memory.atomic_store: _atomic_store,
    memory.copy: _transfer("memcpy"),
    memory.move: _transfer("memmove"),
    memory.fill: _fill,
    memory.mix: _mix,
    memory.equal4: _equal4,
    memory.lowest_bit: lambda builder, value: builder.cttz(value, ir.IntType(1)(0)),
    memory.highest_bit: _highest_bit,
    memory.count_bits: lambda builder, value: builder.ctpop(value),
    memory.swap16: _swap16,
    memory.syscall: _syscall,
    memory.call: _call,
}
_NOTHING = {
    memory.known8,
    memory.known16,
    memory.known32,
    memory.known64,
    memory.same,
    memory.prefetch,
    memory.prefetch_shared,
    memory.fence,
    memory.pause,
    memory.atomic_store,
    memory.copy,
    memory.move,
    memory.fill,
}


def _register_call(function: Callable[..., Any], count: int, result: Any, emit: Callable[..., Any]) -> None:
    """Let compiled code call ``function`` with ``count`` numbers or views; ``emit`` writes the machine code."""

    class Call(AbstractTemplate):  # type: ignore[misc]
        key = function

        def generic(self, args: Any, kws: Any) -> Any:
            return signature(result, *args) if len(args) == count and not kws else None

    infer_global(function, types.Function(Call))

    @lower_builtin(function, types.VarArg(types.Any))
    def lower_it(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        numbers = [
            value if isinstance(kind, ViewType | RowsType) else context.cast(builder, value, kind, INT)
            for value, kind in zip(args, sig.args, strict=True)
        ]
        value = emit(builder, *numbers)
        return context.get_dummy_value() if value is None or result is types.none else value


#: How routines are called: they leave nearly all registers as they were. Most calls are of what few packets need, so
#: the loop over all of them does not have to keep what it knows in memory because of these.
ROUTINE_CALL = "preserve_mostcc"


def _routine(routine: Routine) -> Callable[..., Any]:
    """A call of a routine: through its slot, where the loader puts the address of its machine code."""

    def emit(builder: Any, *args: Any) -> Any:
        kind = ir.FunctionType(I64, [I64] * len(args))
        address = builder.load(_pointer(builder, I64(routine.slot), 64))
        return builder.call(builder.inttoptr(address, kind.as_pointer()), list(args), cconv=ROUTINE_CALL)

    return emit


def enter_by(source: Node | Routine, entry: Callable[..., Any]) -> None:
    """Say how Numba is to make the way into a unit: its function itself, called as others will call it."""
    convention = ROUTINE_CALL if isinstance(source, Routine) else ""

    def make(library: Any, fndesc: Any, env: Any, call_helper: Any) -> None:
        if fndesc.qualname != entry.__qualname__:
            return  # a part of it
        context = cpu_target.target_context
        module = context.create_module("entry")
        inner = context.call_conv.get_function_type(fndesc.restype, fndesc.argtypes)
        callee = ir.Function(module, inner, fndesc.llvm_func_name)
        kind = ir.FunctionType(I64, [I64] * len(fndesc.argtypes))
        way_in = ir.Function(module, kind, fndesc.llvm_cfunc_wrapper_name)
        way_in.calling_convention = convention
        builder = ir.IRBuilder(way_in.append_basic_block())
        _, result = context.call_conv.call_function(builder, callee, fndesc.restype, fndesc.argtypes, way_in.args)
        builder.ret(result)
        library.add_ir_module(module)

    cpu_target.target_context.create_cfunc_wrapper = make


# --- all of it ------------------------------------------------------------------------------------------------------

_taught = False


def annotation_type(annotation: Any, scope: dict[str, Any]) -> Any:
    """The Numba type of a routine's parameter or result: a view, a number, or nothing."""
    if isinstance(annotation, str):
        annotation = eval(annotation, scope)
    if annotation is None:
        return types.none
    if isinstance(annotation, type) and issubclass(annotation, View):
        return ViewType(annotation)
    if annotation is int:
        return INT
    raise TypeError(f"packet code takes and returns numbers (int) and views, not {annotation!r}")


def parameter_types(function: Callable[..., Any]) -> tuple[list[Any], Any]:
    """The Numba types of an annotated function's parameters and of its result."""
    scope = function.__globals__
    sig = inspect.signature(function)
    return (
        [annotation_type(p.annotation, scope) for p in sig.parameters.values()],
        annotation_type(sig.return_annotation, scope),
    )


def teach() -> None:
    """Make Numba know every word, view, inline function and routine that is defined by now."""
    global _taught
    if _taught:
        return
    _taught = True
    # Nothing is called while units are compiled, so what Numba has compiled need not be made ready to be called.
    # It wants a built-in function for each, one of its own.
    cpu_target.target_context.get_executable = lambda library, fndesc, env: [].append
    for word, emit in WORDS.items():
        count = len(inspect.signature(word).parameters)
        _register_call(word, count, types.none if word in _NOTHING else INT, emit)
    for cls in VIEWS:
        _teach_view(cls)
    for function in INLINES:
        inline_once(function)
    for routine in ROUTINES.values():
        parameters, result = parameter_types(routine.function)
        _register_call(routine.function, len(parameters), result, _routine(routine))


def inline_once(function: Callable[..., Any]) -> None:
    """Let compiled code call ``function``, which becomes part of its caller. Saying so again changes nothing."""
    if function not in _dispatchers:
        infer_global(function, _dispatcher(function))


__all__ = ["ViewType", "enter_by", "inline_once", "parameter_types", "teach"]
