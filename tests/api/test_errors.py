"""Errors have VPP's numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import weft
from weft.core.api.errors import ApiError


def raised() -> Iterator[tuple[str, str]]:
    """The place and the name of each error that the program raises, wherever a call of ``Invalid`` spells it out."""
    for path in Path(weft.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Invalid":
                names = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
                for each in [part for name in names for part in ast.walk(name)]:
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        yield f"{path.name}:{node.lineno}", each.value


def test_every_error_that_is_raised_has_a_number() -> None:
    found = list(raised())
    assert len(found) > 100
    assert {place: name for place, name in found if name not in ApiError.__members__} == {}


def test_no_two_errors_share_a_number() -> None:
    assert len(ApiError.__members__) == len({error.value for error in ApiError})
