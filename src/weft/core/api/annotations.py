"""What annotations mean: the types of fields, as they are written in declarations."""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin

from .types import U8, U32, Array, Counted, Fixed, Float, Number, Text, Type

BOOL = Number("bool", "?", False)
u8 = Annotated[int, U8]
i8 = Annotated[int, Number("i8", "b")]
u16 = Annotated[int, Number("u16", "H")]
i16 = Annotated[int, Number("i16", "h")]
u32 = Annotated[int, U32]
i32 = Annotated[int, Number("i32", "i")]
u64 = Annotated[int, Number("u64", "Q")]
i64 = Annotated[int, Number("i64", "q")]
f64 = Annotated[float, Float()]

VARIABLE_TEXT = Text()


def type_of(annotation: Any) -> Type:
    """The wire type that an annotation means. Raises TypeError."""
    if get_origin(annotation) is Annotated:
        plain, *marks = get_args(annotation)
        for mark in marks:
            if isinstance(mark, Type):
                return mark
            if isinstance(mark, Fixed | Counted):
                element = U8 if plain is bytes else type_of(_element(plain))
                return Array(element, mark)
    if annotation is bool:
        return BOOL
    if annotation is str:
        return VARIABLE_TEXT
    declared = getattr(annotation, "__api_type__", None)
    if isinstance(declared, Type):
        return declared
    raise TypeError(f"{annotation!r} is no type of the API")


def _element(annotation: Any) -> Any:
    """What is in the brackets of ``list[...]``."""
    if get_origin(annotation) is not list:
        raise TypeError(f"an array is bytes or list[...], not {annotation!r}")
    return get_args(annotation)[0]
