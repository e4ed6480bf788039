"""Router advertisements: what each interface's say, and when they are sent (RFC 4861 6)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network
from typing import TYPE_CHECKING

from weft.core.model import Invalid, model
from weft.core.timers import Timer
from weft.features.icmp6.build import icmp6_packet
from weft.features.icmp6.types import ROUTER_ADVERTISEMENT, ROUTER_SOLICITATION
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip6.model import LINK_LOCAL, Ip6
from weft.features.ip6_nd.advertisement import Advertisement, read_advertisement, read_solicitation
from weft.features.ip6_nd.link import ALL_NODES, ALL_ROUTERS, link_option, send
from weft.features.ip6_nd.packet import MTU, PREFIX, SOURCE_LINK

if TYPE_CHECKING:
    from weft.core.engine import Engine

VALID, PREFERRED, INFINITE = 2_592_000, 604_800, 0xFFFFFFFF  #: seconds (RFC 4861 6.2.1)
MAX_INTERVAL, MIN_INTERVAL, LIFETIME = 200, 150, 600  #: seconds, as VPP
INITIAL_COUNT, INITIAL_INTERVAL = 3, 16
LEAST_BETWEEN = 3.0  #: seconds between advertisements to all (RFC 4861 10)
ANSWER_WITHIN = 0.5
MANAGED, OTHER = 0x80, 0x40
ON_LINK, AUTONOMOUS = 0x80, 0x40


@dataclass
class AdvertisedPrefix:
    """A prefix that hosts are told of."""

    prefix: IPv6Network
    valid: int = VALID
    preferred: int = PREFERRED
    on_link: bool = True
    autonomous: bool = True
    advertise: bool = True


@dataclass
class RaInterface:
    """What an interface's advertisements say, and what became of them."""

    suppress: bool = False
    managed: bool = False
    other: bool = False
    link_layer: bool = True  #: say the MAC address
    unicast: bool = False  #: answer a solicitation to its sender alone
    cease: bool = False  #: say that this router is none any more
    hop_limit: int = 64
    lifetime: int = LIFETIME
    max_interval: int = MAX_INTERVAL
    min_interval: int = MIN_INTERVAL
    initial_count: int = INITIAL_COUNT
    initial_interval: int = INITIAL_INTERVAL
    prefixes: dict[IPv6Network, AdvertisedPrefix] = field(default_factory=dict)
    sent: int = 0
    solicited: int = 0
    dropped: int = 0
    initial_left: int = INITIAL_COUNT
    last: float = 0.0
    timer: Timer | None = None


@model
class RouterAdvertisements:
    """The advertisements of all interfaces that have IPv6."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._ip6 = engine, engine[Ip6]
        self._interfaces = engine[Interfaces]
        self.by_index: dict[int, RaInterface] = {}
        #: Called with (interface, what the advertisement of another router says).
        self.watchers: list[Callable[[Interface, Advertisement], None]] = []
        self._soliciting: dict[int, Timer] = {}
        self._ip6.watch_enabled(self._enabled)
        for event in ("admin", "link"):
            self._interfaces.watch(event, self._state_changed)
        self._interfaces.watch("removed", self._forget)

    def __getitem__(self, interface: Interface) -> RaInterface:
        """What an interface's advertisements say. Raises Invalid: it has no IPv6."""
        found = self.by_index.get(interface.sw_if_index)
        if found is None:
            message = f"IPv6 is not enabled on {interface.name}: enable ip6 interface {interface.name}"
            raise Invalid(message, "IP6_NOT_ENABLED")
        return found

    # --- what they say

    def configure(self, interface: Interface, **settings: int | bool) -> None:
        """Change settings of RaInterface by name. Raises Invalid before anything is changed."""
        ra = self[interface]
        longest = settings.get("max_interval", ra.max_interval)
        shortest = settings.get("min_interval", min(ra.min_interval, 0.75 * longest))
        lifetime = settings.get("lifetime", max(ra.lifetime, longest) if ra.lifetime else 0)
        if not 4 <= longest <= 1800:
            raise Invalid(f"the interval is 4 to 1800 seconds, not {longest}")
        if not 3 <= shortest <= 0.75 * longest:
            raise Invalid(f"the shortest interval is 3 to {int(0.75 * longest)} seconds, not {shortest}")
        if lifetime and not longest <= lifetime <= 9000:
            raise Invalid(f"the lifetime is 0, or {longest} to 9000 seconds, not {lifetime}")
        if not 0 <= settings.get("initial_count", ra.initial_count) <= INITIAL_COUNT:
            raise Invalid(f"initially 0 to {INITIAL_COUNT} advertisements are sent")
        if not 1 <= settings.get("initial_interval", ra.initial_interval) <= INITIAL_INTERVAL:
            raise Invalid(f"the initial interval is 1 to {INITIAL_INTERVAL} seconds")
        settings |= {"min_interval": int(shortest), "lifetime": lifetime}
        for name, value in settings.items():
            setattr(ra, name, value)
        self._restart(interface)

    def set_prefix(self, interface: Interface, prefix: AdvertisedPrefix) -> None:
        """Tell hosts of a prefix, or anew what goes with it. Raises Invalid."""
        ra = self[interface]
        if prefix.preferred > prefix.valid:
            raise Invalid(f"a prefix is not preferred longer ({prefix.preferred}) than it is valid ({prefix.valid})")
        if prefix.prefix.subnet_of(LINK_LOCAL) or prefix.prefix.is_multicast:
            raise Invalid(f"{prefix.prefix} is no prefix for hosts")
        ra.prefixes[prefix.prefix] = prefix
        self._restart(interface)

    def remove_prefix(self, interface: Interface, prefix: IPv6Network) -> None:
        ra = self[interface]
        if prefix not in ra.prefixes:
            raise Invalid(f"{prefix} is not advertised on {interface.name}", "NO_SUCH_ENTRY")
        del ra.prefixes[prefix]
        self._restart(interface)

    # --- when they are sent

    def _enabled(self, interface: Interface, on: bool) -> None:
        if on:
            self.by_index[interface.sw_if_index] = RaInterface()
            self._restart(interface)
        else:
            self._forget(interface)

    def _forget(self, interface: Interface) -> None:
        ra = self.by_index.pop(interface.sw_if_index, None)
        if ra is not None and ra.timer is not None:
            ra.timer.cancel()
        self.stop_soliciting(interface)

    def _state_changed(self, interface: Interface) -> None:
        for each in (interface, *interface.subs.values()):
            if each.sw_if_index in self.by_index:
                self._restart(each)

    def _restart(self, interface: Interface) -> None:
        """Begin again: the first ones come soon (RFC 4861 6.2.4)."""
        ra = self[interface]
        if ra.timer is not None:
            ra.timer.cancel()
            ra.timer = None
        ra.initial_left = ra.initial_count
        if interface.is_up and not ra.suppress:
            self._schedule(interface, ra, LEAST_BETWEEN if ra.last else 0.0)

    def _schedule(self, interface: Interface, ra: RaInterface, seconds: float) -> None:
        if ra.timer is not None:
            ra.timer.cancel()
        ra.timer = self._engine.timers.after(seconds, lambda: self._due(interface, ra))

    def _due(self, interface: Interface, ra: RaInterface) -> None:
        if self.by_index.get(interface.sw_if_index) is not ra or ra.suppress:
            return
        self.send(interface, ALL_NODES)
        seconds = random.uniform(ra.min_interval, ra.max_interval)
        if ra.initial_left:
            ra.initial_left -= 1
            seconds = min(seconds, ra.initial_interval)
        self._schedule(interface, ra, max(LEAST_BETWEEN, seconds))

    def send(self, interface: Interface, destination: IPv6Address, mac: int | None = None) -> None:
        """Send one now."""
        ra, source = self[interface], self._ip6.link_local(interface)
        if source is None:
            return
        packet = icmp6_packet(source, destination, self._message(interface, ra))
        send(self._engine, interface, packet, mac)
        ra.sent += 1
        if destination == ALL_NODES:
            ra.last = self._engine.timers.seconds

    def _message(self, interface: Interface, ra: RaInterface) -> bytes:
        flags = (MANAGED if ra.managed else 0) | (OTHER if ra.other else 0)
        lifetime = 0 if ra.cease else ra.lifetime
        parts = [bytes((ROUTER_ADVERTISEMENT, 0, 0, 0, ra.hop_limit, flags)) + lifetime.to_bytes(2, "big") + bytes(8)]
        if ra.link_layer and interface.device.ethernet:
            parts.append(link_option(SOURCE_LINK, interface))
        parts.append(bytes((MTU, 1, 0, 0)) + self._interfaces.mtu(interface, "ip6").to_bytes(4, "big"))
        for each in ra.prefixes.values():
            if each.advertise:
                bits = (ON_LINK if each.on_link else 0) | (AUTONOMOUS if each.autonomous else 0)
                parts.append(
                    bytes((PREFIX, 4, each.prefix.prefixlen, bits))
                    + each.valid.to_bytes(4, "big")
                    + each.preferred.to_bytes(4, "big")
                    + bytes(4)
                    + each.prefix.network_address.packed
                )
        return b"".join(parts)

    # --- what others send

    def solicited(self, interface: Interface, packet: bytes) -> None:
        """A host asks for routers (RFC 4861 6.2.6)."""
        ra = self.by_index.get(interface.sw_if_index)
        if ra is None:
            return
        ra.solicited += 1
        heard = read_solicitation(packet)
        if heard is None or ra.suppress:
            ra.dropped += 1
            return
        source, mac = heard
        if mac and not source.is_unspecified:
            from weft.features.ip6_nd.model import Nd

            self._engine[Nd].learn(interface, source, mac)
        if ra.unicast and mac and not source.is_unspecified:
            self.send(interface, source, mac)
            return
        soonest = ra.last + LEAST_BETWEEN - self._engine.timers.seconds if ra.last else 0.0
        self._schedule(interface, ra, max(soonest, random.uniform(0, ANSWER_WITHIN)))

    def received(self, interface: Interface, packet: bytes) -> None:
        """Another router presents itself."""
        said = read_advertisement(packet)
        if said is not None:
            for watcher in self.watchers:
                watcher(interface, said)

    # --- asking for routers ourselves

    def solicit(
        self,
        interface: Interface,
        *,
        first: float = 1.0,
        longest: float = 120.0,
        count: int = 0,
        duration: float = 0.0,
    ) -> None:
        """Ask for routers again and again, at growing intervals, until ``count`` or ``duration`` (0: no limit) is
        reached or ``stop_soliciting`` (RFC 7559). Raises Invalid.
        """
        self[interface]
        if first <= 0 or longest < first:
            raise Invalid(f"the first interval is more than 0 and no longer than the longest, not {first}")
        self.stop_soliciting(interface)
        self._solicit(interface, first, longest, count, self._engine.timers.seconds + duration if duration else 0.0)

    def _solicit(self, interface: Interface, wait: float, longest: float, left: int, end: float) -> None:
        source = self._ip6.link_local(interface)
        if source is None:
            return
        message = bytes((ROUTER_SOLICITATION, 0)) + bytes(6) + link_option(SOURCE_LINK, interface)
        send(self._engine, interface, icmp6_packet(source, ALL_ROUTERS, message))
        if left != 1 and (not end or self._engine.timers.seconds + wait < end):
            again = min(2 * wait, longest)
            self._soliciting[interface.sw_if_index] = self._engine.timers.after(
                wait, lambda: self._solicit(interface, again, longest, max(left - 1, 0), end)
            )

    def stop_soliciting(self, interface: Interface) -> None:
        """Ask no more."""
        timer = self._soliciting.pop(interface.sw_if_index, None)
        if timer is not None:
            timer.cancel()
