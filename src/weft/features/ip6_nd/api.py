"""Messages of router advertisements, and of answering solicitations for others."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Interface
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Client, Counted, Module, Subscribers, f64, u8, u16, u32
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.core.api.ip_types import Ip6Address, Prefix
from weft.core.model import Invalid, model
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip6_nd.advertisement import Advertisement
from weft.features.ip6_nd.model import Nd
from weft.features.ip6_nd.ra import PREFERRED, VALID, AdvertisedPrefix, RaInterface, RouterAdvertisements

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("ip6_nd", "1.1.0", "Router advertisements")


# --- what our advertisements say


@api.request("sw_interface_ip6nd_ra_config", 0x3EB00B1C)
def sw_interface_ip6nd_ra_config(
    engine: Engine,
    sw_if_index: InterfaceIndex,
    suppress: u8,
    managed: u8,
    other: u8,
    ll_option: u8,
    send_unicast: u8,
    cease: u8,
    is_no: bool,
    default_router: u8,
    max_interval: u32,
    min_interval: u32,
    lifetime: u32,
    initial_count: u32,
    initial_interval: u32,
) -> None:
    """Say what an interface's advertisements say, and when they are sent. What is 0 stays as it is; ``is_no`` turns
    the switches that are not 0 the other way. The lifetime counts if ``default_router`` is set.
    """
    interface = engine[Interfaces][sw_if_index]
    switches = {
        "suppress": (suppress, True),
        "managed": (managed, True),
        "other": (other, True),
        "link_layer": (ll_option, False),
        "unicast": (send_unicast, True),
        "cease": (cease, True),
    }
    numbers = {
        "max_interval": max_interval,
        "min_interval": min_interval,
        "initial_count": initial_count,
        "initial_interval": initial_interval,
    }
    settings: dict[str, int | bool] = {name: on != is_no for name, (named, on) in switches.items() if named}
    settings |= {name: number for name, number in numbers.items() if number}
    if default_router:
        settings["lifetime"] = lifetime
    engine[RouterAdvertisements].configure(interface, **settings)


@api.request("sw_interface_ip6nd_ra_prefix", 0x82CC1B28)
def sw_interface_ip6nd_ra_prefix(
    engine: Engine,
    sw_if_index: InterfaceIndex,
    prefix: Prefix,
    use_default: bool,
    no_advertise: bool,
    off_link: bool,
    no_autoconfig: bool,
    no_onlink: bool,
    is_no: bool,
    val_lifetime: u32,
    pref_lifetime: u32,
) -> None:
    """Tell hosts of a prefix, or no longer."""
    interface, ras = engine[Interfaces][sw_if_index], engine[RouterAdvertisements]
    if not isinstance(prefix, IPv6Interface):
        raise Invalid(f"{prefix} is no IPv6 prefix")
    if is_no:
        ras.remove_prefix(interface, prefix.network)
        return
    valid, preferred = (VALID, PREFERRED) if use_default else (val_lifetime, pref_lifetime)
    on_link = not (off_link or no_onlink)
    wanted = AdvertisedPrefix(prefix.network, valid, preferred, on_link, not no_autoconfig, not no_advertise)
    ras.set_prefix(interface, wanted)


@api.structure("ip6nd_ra_prefix")
class Ip6ndRaPrefix(Struct):
    """A prefix that hosts are told of. Its lifetimes do not run off: hosts are told the same each time."""

    prefix: Prefix
    onlink_flag: bool
    autonomous_flag: bool
    val_lifetime: u32
    pref_lifetime: u32
    valid_lifetime_expires: f64 = 0.0
    pref_lifetime_expires: f64 = 0.0
    decrement_lifetime_flag: bool = False
    no_advertise: bool = False


@api.details("sw_interface_ip6nd_ra_details", 0xD3198DE5)
class SwInterfaceIp6ndRaDetails(Struct):
    """What an interface's advertisements say, and what became of them. Times are in seconds; 0: never."""

    sw_if_index: InterfaceIndex
    cur_hop_limit: u8
    adv_managed_flag: bool
    adv_other_flag: bool
    adv_router_lifetime: u16
    adv_neighbor_reachable_time: u32
    adv_retransmit_interval: u32
    adv_link_mtu: u32
    send_radv: bool
    cease_radv: bool
    send_unicast: bool
    adv_link_layer_address: bool
    max_radv_interval: f64
    min_radv_interval: f64
    last_radv_time: f64
    last_multicast_time: f64
    next_multicast_time: f64
    initial_adverts_count: u32
    initial_adverts_interval: f64
    initial_adverts_sent: bool
    n_advertisements_sent: u32
    n_solicitations_rcvd: u32
    n_solicitations_dropped: u32
    n_prefixes: u32 = 0
    prefixes: Annotated[list[Ip6ndRaPrefix], Counted("n_prefixes")] = []


@api.dump(
    "sw_interface_ip6nd_ra_dump",
    0xF9E6675E,
    details=SwInterfaceIp6ndRaDetails,
    in_progress=None,
    vat_help="[(<if-name>|sw_if_index <if-idx>)]",
)
def sw_interface_ip6nd_ra_dump(engine: Engine, sw_if_index: InterfaceIndex) -> Iterator[SwInterfaceIp6ndRaDetails]:
    """What the advertisements of an interface, or of all (~0), say."""
    interfaces, ras = engine[Interfaces], engine[RouterAdvertisements]
    chosen = sorted(ras.by_index) if sw_if_index == NO_INTERFACE else [sw_if_index]
    for index in chosen:
        yield _described(engine, interfaces[index], ras[interfaces[index]])


def _described(engine: Engine, interface: Interface, ra: RaInterface) -> SwInterfaceIp6ndRaDetails:
    now = engine.timers.seconds
    last = now - ra.last if ra.last else 0.0
    return SwInterfaceIp6ndRaDetails(
        sw_if_index=interface.sw_if_index,
        cur_hop_limit=ra.hop_limit,
        adv_managed_flag=ra.managed,
        adv_other_flag=ra.other,
        adv_router_lifetime=ra.lifetime,
        adv_neighbor_reachable_time=0,
        adv_retransmit_interval=0,
        adv_link_mtu=engine[Interfaces].mtu(interface, "ip6"),
        send_radv=not ra.suppress,
        cease_radv=ra.cease,
        send_unicast=ra.unicast,
        adv_link_layer_address=ra.link_layer,
        max_radv_interval=float(ra.max_interval),
        min_radv_interval=float(ra.min_interval),
        last_radv_time=last,
        last_multicast_time=last,
        next_multicast_time=max(0.0, ra.timer.due - now) if ra.timer is not None else 0.0,
        initial_adverts_count=ra.initial_count,
        initial_adverts_interval=float(ra.initial_interval),
        initial_adverts_sent=not ra.initial_left,
        n_advertisements_sent=ra.sent,
        n_solicitations_rcvd=ra.solicited,
        n_solicitations_dropped=ra.dropped,
        prefixes=[
            Ip6ndRaPrefix(
                IPv6Interface(each.prefix),
                each.on_link,
                each.autonomous,
                each.valid,
                each.preferred,
                no_advertise=not each.advertise,
            )
            for each in ra.prefixes.values()
        ],
    )


# --- answering for others


@api.request("ip6nd_proxy_enable_disable", 0x7DAA1E3A)
def ip6nd_proxy_enable_disable(engine: Engine, sw_if_index: InterfaceIndex, is_enable: bool) -> None:
    """Answer solicitations on an interface for whoever is to be reached by another one, or do not."""
    engine[Nd].set_proxying(engine[Interfaces][sw_if_index], is_enable)


@api.request("ip6nd_proxy_add_del", 0xC2E4A686)
def ip6nd_proxy_add_del(engine: Engine, sw_if_index: InterfaceIndex, is_add: bool, ip: Ip6Address) -> None:
    """Answer solicitations for a host behind an interface wherever else they come in, or no longer."""
    nd, interface = engine[Nd], engine[Interfaces][sw_if_index]
    if not is_add:
        nd.remove_proxy(interface, ip)
    elif ip not in nd.proxied.get(sw_if_index, ()):
        nd.add_proxy(interface, ip)


@api.details("ip6nd_proxy_details", 0x30B9FF4A)
class Ip6ndProxyDetails(Struct):
    """A host that is answered for, and the interface that it is behind."""

    sw_if_index: InterfaceIndex
    ip: Ip6Address


@api.dump("ip6nd_proxy_dump", 0x51077D14, details=Ip6ndProxyDetails)
def ip6nd_proxy_dump(engine: Engine) -> Iterator[Ip6ndProxyDetails]:
    """All hosts that are answered for."""
    for index, addresses in sorted(engine[Nd].proxied.items()):
        for address in addresses:
            yield Ip6ndProxyDetails(index, address)


# --- other routers


@api.request("ip6nd_send_router_solicitation", 0xE5DE609C)
def ip6nd_send_router_solicitation(
    engine: Engine, irt: u32, mrt: u32, mrc: u32, mrd: u32, sw_if_index: InterfaceIndex, stop: bool
) -> None:
    """Ask for routers on an interface, or no longer: first again after ``irt`` seconds, then at growing intervals up to
    ``mrt``, ``mrc`` times and for ``mrd`` seconds at the most (0: no limit).
    """
    interface, ras = engine[Interfaces][sw_if_index], engine[RouterAdvertisements]
    if stop:
        ras.stop_soliciting(interface)
    else:
        ras.solicit(interface, first=irt, longest=mrt or irt, count=mrc, duration=mrd)


@api.structure("ip6_ra_prefix_info")
class Ip6RaPrefixInfo(Struct):
    """A prefix that another router tells of."""

    prefix: Prefix
    flags: u8
    valid_time: u32
    preferred_time: u32


@api.event("ip6_ra_event", 0x0364C1C5)
class Ip6RaEvent(Struct):
    """Another router has presented itself."""

    pid: u32
    sw_if_index: InterfaceIndex
    router_addr: Ip6Address
    current_hop_limit: u8
    flags: u8
    router_lifetime_in_sec: u16
    neighbor_reachable_time_in_msec: u32
    time_in_msec_between_retransmitted_neighbor_solicitations: u32
    n_prefixes: u32 = 0
    prefixes: Annotated[list[Ip6RaPrefixInfo], Counted("n_prefixes")] = []


@model
class RaEvents(Subscribers):
    """Tells those who want it of other routers."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        engine[RouterAdvertisements].watchers.append(self._heard)

    def _heard(self, interface: Interface, said: Advertisement) -> None:
        self.send(lambda _, pid: _event(pid, interface, said))


def _event(pid: int, interface: Interface, said: Advertisement) -> Ip6RaEvent:
    prefixes = [
        Ip6RaPrefixInfo(IPv6Interface(each.prefix), each.flags, each.valid, each.preferred) for each in said.prefixes
    ]
    return Ip6RaEvent(
        pid,
        interface.sw_if_index,
        said.router,
        said.hop_limit,
        said.flags,
        said.lifetime,
        said.reachable,
        said.retransmit,
        prefixes=prefixes,
    )


@api.request("want_ip6_ra_events", 0x3EC6D6C2, events=(Ip6RaEvent,))
def want_ip6_ra_events(engine: Engine, client: Client, enable: bool, pid: u32) -> None:
    """Be told when other routers present themselves."""
    engine[RaEvents].set(client, pid, enable)
