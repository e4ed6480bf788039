"""The graph: features pass in order where they are enabled, and instances come and go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft import Engine
from weft.core.graph import MAX_INTERFACES, ArcDeclaration, Feature
from weft.core.runtime import MAX_NODES, runtimes

from .packet_code import SourceNext, TestError, test_arc, words

FIRST, SECOND, THIRD = "test-first", "test-second", "test-third"


def declaration(*features: Feature) -> ArcDeclaration:
    return ArcDeclaration("an arc", test_arc, "error-drop", list(features))


class TestOrder:
    """A feature names those that it follows and those that follow it."""

    def test_otherwise_as_declared(self) -> None:
        assert declaration(Feature("a"), Feature("b"), Feature("c")).order() == ["a", "b", "c"]

    def test_before_and_after(self) -> None:
        arc = declaration(Feature("c", after=("b",)), Feature("b", after=("a",)), Feature("a"))
        assert arc.order() == ["a", "b", "c"]
        arc = declaration(Feature("c"), Feature("b", before=("c",)), Feature("a", before=("b", "c")))
        assert arc.order() == ["a", "b", "c"]

    def test_features_that_are_not_there_do_not_matter(self) -> None:
        arc = declaration(Feature("b", after=("nobody",)), Feature("a", before=("b", "nobody")))
        assert arc.order() == ["a", "b"]

    def test_a_circle_is_refused(self) -> None:
        with pytest.raises(ValueError, match="an arc"):
            declaration(Feature("a", after=("b",)), Feature("b", after=("a",))).order()

    @given(st.permutations(range(6)), st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
    def test_every_wish_is_met(self, declared: list[int], pairs: set[tuple[int, int]]) -> None:
        wishes = [(low, high) for low, high in pairs if low < high]
        features = [Feature(str(n), before=tuple(str(high) for low, high in wishes if low == n)) for n in declared]
        order = declaration(*features).order()
        assert sorted(order) == sorted(map(str, declared))
        assert all(order.index(str(low)) < order.index(str(high)) for low, high in wishes)


def passed(engine: Engine, sw_if_index: int = 0) -> int:
    """The marks that a packet got on the test arc, as digits."""
    words[0] = 0
    assert engine.workers.inject(b"packet", "test-arc-start", rx_sw_if_index=sw_if_index)
    engine.step()
    return words[0]


def test_features_pass_in_order_where_they_are_enabled(shared: Engine) -> None:
    graph = shared.graph
    assert passed(shared) == 0
    graph.enable("test-arc", THIRD, 0)
    assert passed(shared) == 3
    graph.enable("test-arc", FIRST, 0)
    graph.enable("test-arc", SECOND, 0)
    graph.enable("test-arc", SECOND, 0)
    assert graph.enabled("test-arc", 0) == [FIRST, SECOND, THIRD]
    assert passed(shared) == 123
    assert passed(shared, 1) == 0
    graph.enable("test-arc", SECOND, 0, on=False)
    assert passed(shared) == 13
    graph.enable("test-arc", SECOND, 0, on=False)
    graph.enable("test-arc", FIRST, 1)
    graph.disable_all(0)
    assert (passed(shared), passed(shared, 1)) == (0, 1)
    graph.disable_all(1)
    assert graph.enabled("test-arc", 1) == []


def test_chains_are_given_back(shared: Engine) -> None:
    used = shared.arena.heap_used()
    for _ in range(3):
        for node in (FIRST, SECOND, THIRD):
            shared.graph.enable("test-arc", node, 7)
        shared.graph.disable_all(7)
    assert shared.arena.heap_used() == used


def test_the_last_interface_has_features_too(shared: Engine) -> None:
    shared.graph.enable("test-arc", FIRST, MAX_INTERFACES - 1)
    assert passed(shared, MAX_INTERFACES - 1) == 1
    shared.graph.disable_all(MAX_INTERFACES - 1)


def test_what_is_not_there_cannot_be_enabled(shared: Engine) -> None:
    with pytest.raises(KeyError, match="no feature arc nonsense"):
        shared.graph.enable("nonsense", FIRST, 0)
    with pytest.raises(KeyError, match="has no feature error-drop"):
        shared.graph.enable("test-arc", "error-drop", 0)


class TestInstances:
    def test_an_instance_has_its_own_data(self, shared: Engine) -> None:
        shared.graph.add("counter-5", "test-counter", 5)
        shared.graph.add("counter-70", "test-counter", 70)
        words[1] = 0
        for name in ("counter-5", "counter-70", "counter-5"):
            shared.workers.inject(b"packet", name)
        shared.step()
        assert words[1] == 80
        assert shared.graph.runtime("counter-5", 0).calls >= 1
        shared.graph.remove("counter-5")
        shared.graph.remove("counter-70")

    def test_a_name_is_given_once(self, shared: Engine) -> None:
        shared.graph.add("twice", "test-counter")
        with pytest.raises(ValueError, match="already"):
            shared.graph.add("twice", "test-counter")
        shared.graph.remove("twice")

    def test_a_number_is_used_again_with_nothing_of_the_old_node(self, shared: Engine) -> None:
        old = shared.graph.add("old", "test-counter", 9)
        shared.workers.inject(b"packet", "old")
        shared.step()
        shared.graph.remove("old")
        with pytest.raises(KeyError, match="no node is named old"):
            shared.graph["old"]
        new = shared.graph.add("new", "test-counter", 1, {"error-drop": "drop"})
        assert new.index == old.index
        runtime = runtimes[new.index]
        assert (runtime.calls, runtime.vectors, runtime.data) == (0, 0, 1)
        assert runtime.nexts[0] == shared.graph["drop"].index
        shared.graph.remove("new")

    def test_there_is_a_limit(self, shared: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("weft.core.graph.MAX_NODES", len(shared.graph.instances))
        assert len(shared.graph.instances) < MAX_NODES
        shared.graph._gone.clear()
        with pytest.raises(MemoryError, match="would be one more"):
            shared.graph.add("too-many", "test-counter")
        assert "too-many" not in shared.graph.by_name

    def test_many_come_and_go(self, shared: Engine) -> None:
        before = len(shared.graph.instances)
        for _ in range(50):
            for number in range(20):
                shared.graph.add(f"many-{number}", "test-counter", number)
            for number in range(20):
                shared.graph.remove(f"many-{number}")
        assert len(shared.graph.instances) <= before + 20


def test_counts_without_dropping(shared: Engine) -> None:
    before = shared.graph.errors().get(TestError.SEEN, 0)
    for first in range(3):
        shared.workers.inject(bytes([first]), "test-source")
    shared.step()
    assert shared.graph.errors()[TestError.SEEN] == before + 3
    assert [shared.graph.runtime("test-source", 0).next_vectors[slot] >= 1 for slot in SourceNext] == [True] * 3
