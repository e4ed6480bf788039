"""Longest-prefix match of IPv6 against a plain search of all prefixes, with the trie's shapes that are special."""

from __future__ import annotations

import random
from ipaddress import IPv6Address, IPv6Network

import pytest
from tests.conftest import Lab

from weft.core.memory import wrap
from weft.features.fib.model import Path, PathKind
from weft.features.ip.ply import pool
from weft.features.ip6.model import Ip6
from weft.features.ip6.trie import find

LENGTHS = [1, 7, 8, 10, 15, 16, 17, 20, 24, 31, 32, 33, 40, 48, 56, 63, 64, 65, 80, 96, 112, 120, 127, 128]
DROP = Path(PathKind.DROP)


class Model:
    """A table as a dictionary, beside the engine's."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.ip6 = lab, lab.engine[Ip6]
        self.table = self.ip6.add_table(7)
        self.known: dict[IPv6Network, int] = {each.prefix: each.index for each in self.table}

    def add(self, prefix: IPv6Network) -> None:
        self.known[prefix] = self.ip6.add(7, prefix, DROP).index

    def remove(self, prefix: IPv6Network) -> None:
        self.ip6.remove(7, prefix)
        del self.known[prefix]

    def wanted(self, address: IPv6Address) -> int:
        """The number of the longest prefix's route, by looking at all."""
        number = int(address)
        best = max(
            (each for each in self.known if int(each.netmask) & number == int(each.network_address)),
            key=lambda each: each.prefixlen,
        )
        return self.known[best]

    def found(self, address: IPv6Address) -> int:
        number = int(address)
        fib_index = self.table.fib_index
        return self.lab.engine.call(find, fib_index, wrap(number >> 64), wrap(number & (1 << 64) - 1))

    def check(self, *addresses: IPv6Address) -> None:
        for address in addresses:
            assert self.found(address) == self.wanted(address), address


def near(chance: random.Random, prefix: IPv6Network) -> IPv6Address:
    """An address in a prefix, or one that differs from it in a single bit, or just beside it."""
    number = int(prefix.network_address) | chance.getrandbits(128) & int(prefix.hostmask)
    kind = chance.randrange(3)
    if kind == 1:
        number ^= 1 << chance.randrange(128)
    elif kind == 2:
        number = (int(prefix.broadcast_address) + chance.choice((0, 1))) & (1 << 128) - 1
    return IPv6Address(number)


def random_prefix(chance: random.Random, known: list[IPv6Network]) -> IPv6Network:
    """A prefix that often has much in common with those that are known."""
    base = chance.choice(known) if known and chance.random() < 0.7 else None
    number = int(base.network_address) if base else int(IPv6Address("2001:db8::")) | chance.getrandbits(32) << 64
    length = chance.choice(LENGTHS)
    if chance.random() < 0.5:
        number ^= chance.getrandbits(16) << chance.randrange(113)
    return IPv6Network((number, length), strict=False)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_changes(lab: Lab, seed: int) -> None:
    """Prefixes come and go; after each change addresses in and around them are looked up."""
    chance = random.Random(seed)
    model = Model(lab)
    before = pool.live
    mine: list[IPv6Network] = []
    for _ in range(25 if lab.engine.interpret else 400):
        if mine and chance.random() < 0.4:
            model.remove(mine.pop(chance.randrange(len(mine))))
        else:
            prefix = random_prefix(chance, mine)
            if prefix not in model.known:
                model.add(prefix)
                mine.append(prefix)
        known = list(model.known)
        model.check(*(near(chance, chance.choice(known)) for _ in range(8)))
    for prefix in mine:
        model.remove(prefix)
        model.check(near(chance, prefix))
    assert pool.live == before, "plies are left that no prefix needs"


def nested(*prefixes: str) -> list[IPv6Network]:
    return [IPv6Network(each) for each in prefixes]


@pytest.mark.parametrize(
    "prefixes",
    [
        nested("::/0", "2000::/3", "2001::/16", "2001:db8::/32", "2001:db8::/64", "2001:db8::1/128"),
        nested("2001:db8::1/128", "2001:db8::2/128", "2001:db8::/127"),
        nested("2001:db8:0:1::/64", "2001:db8::/47", "2001:db8:0:1::9/128"),
        nested("8000::/1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"),
        nested("2001:db8::/63", "2001:db8::/64", "2001:db8:0:1::/64", "2001:db8:0:1::1/128"),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_prefixes_around_one_another(lab: Lab, prefixes: list[IPv6Network], backwards: bool) -> None:
    """In whichever order they come and go."""
    model = Model(lab)
    fresh = [each for each in (reversed(prefixes) if backwards else prefixes) if each not in model.known]
    edges = [each[at] for each in prefixes for at in (0, -1)]
    beside = [IPv6Address((int(each) + more) % (1 << 128)) for each in edges for more in (-1, 0, 1)]
    for prefix in fresh:
        model.add(prefix)
        model.check(*beside)
    for prefix in fresh:
        model.remove(prefix)
        model.check(*beside)


def test_many_routes_at_a_time(compiled_lab: Lab) -> None:
    """Host routes in a row, and half of them taken back."""
    model = Model(compiled_lab)
    hosts = [(int(IPv6Address("2001:db8::")) + n, 128) for n in range(20_000)]
    model.ip6.add_routes(7, ((host, DROP) for host in hosts))
    model.ip6.remove_routes(7, hosts[::2])
    for number, _ in random.Random(5).sample(hosts, 500):
        entry = model.table.find(number, 128)
        wanted = entry.index if entry else model.wanted(IPv6Address("2001:db8:ffff::"))
        assert model.found(IPv6Address(number)) == wanted


def test_a_table_that_goes_gives_its_plies_back(lab: Lab) -> None:
    before = pool.live
    ip6 = lab.engine[Ip6]
    ip6.add_table(9)
    for prefix in ("2001:db8::/64", "2001:db8:0:1::/64", "2001:db8::1/128"):
        ip6.add(9, prefix, DROP)
    assert pool.live > before
    ip6.delete_table(9)
    assert pool.live == before
