"""Any set of sub-interfaces and any frame: the rules of VPP's ``eth_identify_subint``, written down once more."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Lab
from tests.ethernet.layer3 import seen, watch
from tests.ethernet.test_matching import stack

from weft.features.ethernet.model import create_sub_interface, delete_sub_interface
from weft.features.interface.model import Interfaces, SubInterface, rx

VLANS = st.sampled_from([None, 2, 3])
SUBS = st.one_of(
    st.builds(SubInterface, id=st.just(0), outer=VLANS, dot1ad=st.booleans(), exact=st.booleans()),
    st.builds(
        SubInterface,
        id=st.just(0),
        outer=VLANS,
        inner=VLANS,
        tags=st.just(2),
        dot1ad=st.booleans(),
        exact=st.booleans(),
    ),
    st.just(SubInterface(0, tags=0, exact=False, default=True)),
    st.just(SubInterface(0, tags=0, exact=False, untagged=True)),
)
TAGS = st.lists(st.sampled_from(["2", "3", "4", "0", "ad2", "ad3", "ad4"]), max_size=4)


def takes(sub: SubInterface, kind: str, vlans: list[int]) -> int | None:
    """How specifically a sub-interface takes a frame with these tags (the smallest is the most); None: not at all."""
    if sub.untagged:
        return 9 if not vlans or (vlans == [0]) else None
    if not vlans:
        return None
    if sub.default:
        return 8
    fits = sub.dot1ad == (kind == "ad") and sub.outer in (None, vlans[0])
    fits = fits and (len(vlans) == sub.tags or (len(vlans) > sub.tags and not sub.exact))
    fits = fits and (sub.tags == 1 or sub.inner in (None, vlans[1]))
    if not fits:
        return None
    return (4 if sub.outer is None else 0) + (2 if sub.tags == 1 else 1 if sub.inner is None else 0)


def read(tags: list[str]) -> tuple[str, list[int]]:
    """The outer tag's kind and the VLANs of the tags that count: the outer one, and the 802.1Q tags behind it."""
    kind = "ad" if tags and tags[0].startswith("ad") else "q"
    vlans: list[int] = []
    for position, tag in enumerate(tags):
        if position and tag.startswith("ad"):
            break
        vlans.append(int(tag.removeprefix("ad")))
    return kind, vlans


def key(sub: SubInterface) -> tuple[object, ...]:
    return (sub.dot1ad, sub.outer, sub.inner, sub.tags, sub.default, sub.untagged)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chosen=st.lists(SUBS, max_size=8, unique_by=key).map(
        lambda subs: [replace(sub, id=number) for number, sub in enumerate(subs)]
    ),
    stacks=st.lists(TAGS, min_size=1, max_size=10),
)
def test_each_frame_is_the_most_specific_takers(lab: Lab, chosen: list[SubInterface], stacks: list[list[str]]) -> None:
    if not lab.ports:
        watch(lab, lab.pg(2)[1])
    port, interfaces = lab.ports[0], lab.engine[Interfaces]
    made = [create_sub_interface(lab.engine, port, sub) for sub in chosen]
    for sub in made:
        interfaces.set_admin(sub, True)
    expected = dict.fromkeys([sub.name for sub in made], 0)
    for tags in stacks:
        ranks = {rank: sub.name for sub in made if (rank := takes(sub.sub, *read(tags))) is not None}
        if ranks:
            expected[ranks[min(ranks)]] += 1
    before = sum(lab.errors().values())
    delivered = seen(lab, port, [stack(" ".join(tags)) for tags in stacks])
    assert {sub.name: rx.read(sub.sw_if_index)[0] for sub in made} == expected
    assert len(delivered) + sum(lab.errors().values()) - before == len(stacks)
    for sub in made:
        delete_sub_interface(lab.engine, sub)
