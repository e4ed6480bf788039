"""Layer-2 features of others: their place in the order, and on which interfaces they are."""

from __future__ import annotations

import pytest
from tests.conftest import Lab
from tests.l2.frames import BROADCAST, frame

from weft.core.buffer import Buffer
from weft.core.counters import simple
from weft.core.node import Nexts, node
from weft.core.runtime import NodeRuntime
from weft.features.l2.model import (
    L2Fib,
    Layer2,
    input_feature,
    next_input_feature,
    next_output_feature,
    output_feature,
)
from weft.features.l2.pipeline import INPUT, OUTPUT, Pipeline

seen = simple("/test/l2-seen", 2)
BEFORE_LEARN = input_feature("test-l2-block", after="l2-input-vtr", before="l2-learn")
SEEN = input_feature("test-l2-seen", before="l2-input-vtr")
LEAVING = output_feature("test-l2-leaving", before="interface-output")


class BlockNext(Nexts):
    DROP = "error-drop"


@node("test-l2-seen")
def test_l2_seen(rt: NodeRuntime, pkt: Buffer) -> int:
    """Counts packets."""
    seen.add(rt.worker, 0, 1)
    return next_input_feature(pkt, SEEN)


@node("test-l2-block", next=BlockNext)
def test_l2_block(rt: NodeRuntime, pkt: Buffer) -> int:
    """Drops every packet."""
    return BlockNext.DROP


@node("test-l2-leaving")
def test_l2_leaving(rt: NodeRuntime, pkt: Buffer) -> int:
    """Counts packets that leave."""
    seen.add(rt.worker, 1, 1)
    return next_output_feature(pkt, LEAVING)


for function in (test_l2_seen, test_l2_block, test_l2_leaving):
    function.__test__ = False  # type: ignore[attr-defined]


def test_the_order_is_as_asked_for() -> None:
    names = INPUT.names()
    assert names.index("test-l2-seen") < names.index("l2-input-vtr")
    assert names.index("l2-input-vtr") < names.index("test-l2-block") < names.index("l2-learn")
    assert "test-l2-leaving" in OUTPUT.names()


def test_features_stand_where_they_were_put(lab: Lab) -> None:
    a, b, _ = lab.pg(3)
    for port in lab.ports:
        lab.cli(f"set interface l2 bridge {port.name} 1")
    layer_2 = lab.engine[Layer2]
    layer_2.enable(a, SEEN)
    layer_2.enable(b, LEAVING, output=True)
    assert sorted(lab.send(a, frame(1, BROADCAST))) == ["pg1", "pg2"]
    assert (seen.read(0), seen.read(1)) == (1, 1)
    lab.send(b, frame(2, BROADCAST))
    assert (seen.read(0), seen.read(1)) == (1, 1)
    assert "  test-l2-seen\n  l2-learn\n" in lab.cli("show interface pg0 features")
    layer_2.enable(a, SEEN, on=False)
    lab.send(a, frame(1, BROADCAST))
    assert seen.read(0) == 1


def test_what_is_dropped_before_learning_is_not_learned(lab: Lab) -> None:
    a, _ = lab.pg(2)
    for port in lab.ports:
        lab.cli(f"set interface l2 bridge {port.name} 1")
    lab.engine[Layer2].enable(a, BEFORE_LEARN)
    assert lab.send(a, frame(1, BROADCAST)) == {}
    assert len(lab.engine[L2Fib]) == 0


def test_cross_connects_have_features_too(lab: Lab) -> None:
    a, b = lab.pg(2)
    lab.cli("set interface l2 xconnect pg0 pg1\nset interface l2 xconnect pg1 pg0")
    lab.engine[Layer2].enable(a, SEEN)
    lab.engine[Layer2].enable(b, LEAVING, output=True)
    assert sorted(lab.send(a, frame(1, 2))) == ["pg1"]
    assert (seen.read(0), seen.read(1)) == (1, 1)


def test_places_that_cannot_be() -> None:
    pipeline = Pipeline("input", INPUT.nodes, [(3, "a"), (1, "b"), (0, "end")])
    pipeline.insert("c", after="a", before="b")
    assert pipeline.names() == ["a", "c", "b"]
    for node_name, after, before in (("d", "a", "c"), ("a", "", "b"), ("d", "nosuch", ""), ("d", "b", "a")):
        with pytest.raises(ValueError):
            pipeline.insert(node_name, after=after, before=before)
