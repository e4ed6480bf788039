"""The digest of packet code: whatever its machine code depends on changes the key, and nothing else does."""

from __future__ import annotations

import enum
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from weft.core import digest as digest_module
from weft.core import view as view_module
from weft.core.digest import digest
from weft.core.node import ROUTINES, Routine
from weft.core.view import VIEWS, RowsAt

from . import packet_code as packet_code

HEAD = """
from weft.core.memory import copy, move
from weft.core.view import *
"""


class Source:
    """Packet code from text, as if it stood in a module of its own; gone at the end of the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self._views = list(VIEWS)

    def __call__(self, text: str, **names: Any) -> str:
        """The digest of the function ``f`` in the text."""
        VIEWS[:] = self._views
        module = types.ModuleType("written")
        self._patch.setitem(__import__("sys").modules, "written", module)
        vars(module).update(names)
        digest_module._by_name.cache_clear()
        exec(compile(HEAD + text, "written", "exec"), vars(module))
        return digest(vars(module)["f"])

    def close(self) -> None:
        VIEWS[:] = self._views
        digest_module._by_name.cache_clear()


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Any:
    source = Source(monkeypatch)
    yield source
    source.close()


SAME = "def f(a, b):\n    return a + b\n"


def test_the_same_code_has_the_same_key(key: Source) -> None:
    assert key(SAME) == key(SAME)


def test_comments_and_docstrings_elsewhere_change_nothing(key: Source) -> None:
    assert key(SAME) == key("# a comment\n" + SAME + "\ndef g(a):\n    return a\n")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(a):\n    return a + 1\n", "def f(a):\n    return a + 2\n"),
        ("def f(a):\n    return a + 1\n", "def f(a):\n    return a - 1\n"),
        ("N = 1\ndef f(a):\n    return a + N\n", "N = 2\ndef f(a):\n    return a + N\n"),
        ("T = (1, 2)\ndef f(a):\n    return a + T[0]\n", "T = (3, 2)\ndef f(a):\n    return a + T[0]\n"),
        (
            "def g(a):\n    return a\ndef f(a):\n    return g(a)\n",
            "def g(a):\n    return -a\ndef f(a):\n    return g(a)\n",
        ),
        (
            "def h(a):\n    return a\ndef g(a):\n    return h(a)\ndef f(a):\n    return g(a)\n",
            "def h(a):\n    return a + 1\ndef g(a):\n    return h(a)\ndef f(a):\n    return g(a)\n",
        ),
        (
            "word = copy\ndef f(a):\n    return word(a, a, a)\n",
            "word = move\ndef f(a):\n    return word(a, a, a)\n",
        ),
    ],
    ids=["constant", "operation", "global", "tuple", "called", "called by what is called", "word"],
)
def test_an_edit_changes_the_key(key: Source, one: str, other: str) -> None:
    assert key(one) != key(other)


RECORD = "class Record(View):\n    {fields}\ndef f(a):\n    return Record(a).value\n"


@pytest.mark.parametrize(
    "fields",
    [
        "before: u8\n    value: u32",
        "value: u16",
        "value: be32",
        "value: i32",
        "value: u32\n    behind: u8",
        "value: Fixed[u32]",
    ],
    ids=["offset", "size", "byte order", "sign", "size of the record", "fixed"],
)
def test_a_view_is_part_of_the_key(key: Source, fields: str) -> None:
    assert key(RECORD.format(fields=fields)) != key(RECORD.format(fields="value: u32"))


@pytest.mark.parametrize("use", ["Record(a).value", "a.value"], ids=["named", "by a field"])
def test_a_view_that_is_apart_has_another_key(key: Source, use: str) -> None:
    source = RECORD.format(fields="value: u32").replace("Record(a).value", use)
    assert key(source.replace("(View)", "(View, apart=True)")) != key(source)


REACHED = """
class Row(View):
    value: u32
{more}
class Table(View):
    count: u64_
    rows_: Rows[Row]
def f(table, i):
    return table.rows_[i].value
""".replace("u64_", "i64")


def test_rows_that_stand_further_apart_change_the_key(key: Source) -> None:
    assert key(REACHED.format(more="")) != key(REACHED.format(more="    behind: u32"))


METHOD = "class Record(View):\n    value: u32\n    @property\n    def twice(self):\n        return self.value * {n}\n"


def test_a_property_is_part_of_the_key(key: Source) -> None:
    use = "def f(a):\n    return Record(a).twice\n"
    assert key(METHOD.format(n=2) + use) != key(METHOD.format(n=3) + use)


def test_a_view_at_another_address_changes_the_key(key: Source) -> None:
    use = "class Record(View):\n    value: u32\nroot = Record({})\ndef f():\n    return root.value\n"
    assert key(use.format(0x1000)) != key(use.format(0x1040))
    cells = "def f(i):\n    return cells[i]\n"
    assert key(cells, cells=RowsAt(view_module.u32, 64)) != key(cells, cells=RowsAt(view_module.u32, 128))
    assert key(cells, cells=RowsAt(view_module.u32, 64)) != key(cells, cells=RowsAt(view_module.u16, 64))


def test_a_module_s_constant_is_part_of_the_key(key: Source) -> None:
    def module(value: int) -> types.ModuleType:
        made = types.ModuleType("constants")
        vars(made).update(BASE=value, OTHER=value)
        return made

    use = "def f(a):\n    return a + constants.BASE\n"
    assert key(use, constants=module(1)) != key(use, constants=module(2))


def test_enumerations_are_part_of_the_key(key: Source) -> None:
    def numbers(**members: int) -> Any:
        return enum.IntEnum("Numbers", members)

    use = "def f(a):\n    return a + Numbers.A\n"
    assert key(use, Numbers=numbers(A=1, B=2)) != key(use, Numbers=numbers(B=1, A=2))
    alias = "def f(a):\n    return a + ONE\n"
    assert key(alias, ONE=numbers(A=1).A) != key(alias, ONE=numbers(A=2).A)


def _routine(function: Callable[..., Any], slot: int, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setitem(ROUTINES, f"test.{slot}", Routine(f"test.{slot}", function, slot))
    digest_module._routines.cache_clear()
    return function


def test_a_routine_counts_by_its_slot_and_signature_only(key: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(text: str, slot: int) -> str:
        scope: dict[str, Any] = {}
        exec(text, scope)
        return key("def f(a):\n    return g(a)\n", g=_routine(scope["g"], slot, monkeypatch))

    one = made("def g(a: int) -> int:\n    return a\n", 8)
    assert made("def g(a: int) -> int:\n    return a + 1\n", 8) == one
    assert made("def g(a: int) -> int:\n    return a\n", 16) != one
    assert made("def g(a: 'View') -> int:\n    return a\n", 8) != one
    digest_module._routines.cache_clear()


def test_the_compiler_and_the_processor_are_part_of_the_key(key: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(SAME)
    monkeypatch.setattr(digest_module, "toolchain", lambda: "another processor")
    assert key(SAME) != before


def test_what_has_run_has_the_key_that_it_had_before(key: Source) -> None:
    source = "class One(View):\n    other: Ref[Two]\n    others: Rows[Two]\nclass Two(View):\n    value: u32\n"
    before = key(source + "def f(a):\n    return One(a).other.value + One(a).others[1].value\n")
    written = vars(sys.modules["written"])
    fields = written["One"].fields
    assert (fields["other"].kind.cls, fields["others"].kind.row) == (written["Two"], written["Two"])
    digest_module._by_name.cache_clear()
    assert digest(written["f"]) == before


def test_views_of_tests_leave_the_engine_s_machine_code_alone() -> None:
    """A name behind a dot may mean any view: one that tests had too would be reason to compile the engine again."""
    own: set[str] = set()
    of_tests: set[str] = set()
    for cls in VIEWS:
        names = {*cls.fields, *view_module.methods(cls), *view_module.properties(cls)}
        (own if cls.__module__.startswith("weft") else of_tests).update(names)
    assert "lower" in of_tests
    assert not own & of_tests
