"""The API's types of IP. Addresses and prefixes are the standard library's objects in Python; prefixes keep the bits
of the host (``ip_interface``).
"""

from __future__ import annotations

import enum
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Annotated, Self

from msgspec import Struct

from .annotations import type_of, u8, u16
from .module import Module
from .types import Fixed, Malformed

api = Module("ip_types", "3.0.0")


@api.enum("address_family", u8)
class AddressFamily(enum.IntEnum):
    """Which IP."""

    ADDRESS_IP4 = 0
    ADDRESS_IP6 = 1


@api.enum("ip_feature_location", u8)
class IpFeatureLocation(enum.IntEnum):
    """Where features of IP are."""

    IP_API_FEATURE_INPUT = 0
    IP_API_FEATURE_OUTPUT = 1
    IP_API_FEATURE_LOCAL = 2
    IP_API_FEATURE_PUNT = 3
    IP_API_FEATURE_DROP = 4


@api.enum("ip_ecn", u8)
class IpEcn(enum.IntEnum):
    """Explicit congestion notification (RFC 3168, section 5)."""

    IP_API_ECN_NONE = 0
    IP_API_ECN_ECT0 = 1
    IP_API_ECN_ECT1 = 2
    IP_API_ECN_CE = 3


@api.enum("ip_dscp", u8)
class IpDscp(enum.IntEnum):
    """Differentiated services code points (RFC 4594, section 2.3)."""

    IP_API_DSCP_CS0 = 0
    IP_API_DSCP_CS1 = 8
    IP_API_DSCP_AF11 = 10
    IP_API_DSCP_AF12 = 12
    IP_API_DSCP_AF13 = 14
    IP_API_DSCP_CS2 = 16
    IP_API_DSCP_AF21 = 18
    IP_API_DSCP_AF22 = 20
    IP_API_DSCP_AF23 = 22
    IP_API_DSCP_CS3 = 24
    IP_API_DSCP_AF31 = 26
    IP_API_DSCP_AF32 = 28
    IP_API_DSCP_AF33 = 30
    IP_API_DSCP_CS4 = 32
    IP_API_DSCP_AF41 = 34
    IP_API_DSCP_AF42 = 36
    IP_API_DSCP_AF43 = 38
    IP_API_DSCP_CS5 = 40
    IP_API_DSCP_EF = 46
    IP_API_DSCP_CS6 = 48
    IP_API_DSCP_CS7 = 50


@api.enum("ip_proto", u8)
class IpProto(enum.IntEnum):
    """IP's protocols."""

    IP_API_PROTO_HOPOPT = 0
    IP_API_PROTO_ICMP = 1
    IP_API_PROTO_IGMP = 2
    IP_API_PROTO_TCP = 6
    IP_API_PROTO_UDP = 17
    IP_API_PROTO_GRE = 47
    IP_API_PROTO_ESP = 50
    IP_API_PROTO_AH = 51
    IP_API_PROTO_ICMP6 = 58
    IP_API_PROTO_EIGRP = 88
    IP_API_PROTO_OSPF = 89
    IP_API_PROTO_SCTP = 132
    IP_API_PROTO_RESERVED = 255


Ip4Address = Annotated[
    IPv4Address,
    api.alias("ip4_address", Annotated[bytes, Fixed(4)], IPv4Address, lambda a: a.packed, IPv4Address(0)),
]
Ip6Address = Annotated[
    IPv6Address,
    api.alias("ip6_address", Annotated[bytes, Fixed(16)], IPv6Address, lambda a: a.packed, IPv6Address(0)),
]

address_union = api.union("address_union", ip4=Ip4Address, ip6=Ip6Address)
#: 16 bytes that are an address of a family said elsewhere.
AddressUnion = Annotated[bytes, address_union]


def address_of(family: AddressFamily, octets: bytes) -> IPv4Address | IPv6Address:
    """The address in a union's bytes."""
    return IPv4Address(octets[:4]) if family == AddressFamily.ADDRESS_IP4 else IPv6Address(octets)


def octets_of(address: IPv4Address | IPv6Address) -> bytes:
    """An address as a union's bytes."""
    return address.packed.ljust(16, b"\0")


def family_of(address: IPv4Address | IPv6Address) -> AddressFamily:
    """The family of an address."""
    return AddressFamily.ADDRESS_IP4 if address.version == 4 else AddressFamily.ADDRESS_IP6


@api.structure("address")
class WireAddress(Struct):
    """An address of either family."""

    af: AddressFamily
    un: AddressUnion

    def decode(self) -> IPv4Address | IPv6Address:
        """As Python's object."""
        return address_of(self.af, self.un)

    @classmethod
    def encode(cls, address: IPv4Address | IPv6Address) -> WireAddress:
        """From Python's object."""
        return cls(family_of(address), octets_of(address))


Address = Annotated[IPv4Address | IPv6Address, type_of(WireAddress)]


INTERFACES: dict[int, type[IPv4Interface | IPv6Interface]] = {4: IPv4Interface, 6: IPv6Interface}


@api.structure("prefix")
class WirePrefix(Struct):
    """An address with the length of its network's prefix."""

    address: Address
    len: u8

    def decode(self) -> IPv4Interface | IPv6Interface:
        """As Python's object. Raises Malformed."""
        bits = self.address.max_prefixlen
        if self.len > bits:
            raise Malformed(f"a prefix of {self.len} bits; an IPv{self.address.version} address has {bits}")
        return INTERFACES[self.address.version]((int(self.address), self.len))

    @classmethod
    def encode(cls, prefix: IPv4Interface | IPv6Interface) -> Self:
        """From Python's object."""
        return cls(prefix.ip, prefix.network.prefixlen)


Prefix = Annotated[IPv4Interface | IPv6Interface, type_of(WirePrefix)]
AddressWithPrefix = Annotated[IPv4Interface | IPv6Interface, api.alias("address_with_prefix", Prefix)]


@api.structure("ip4_prefix")
class WireIp4Prefix(WirePrefix):
    """An IPv4 prefix."""

    address: Ip4Address


@api.structure("ip6_prefix")
class WireIp6Prefix(WirePrefix):
    """An IPv6 prefix."""

    address: Ip6Address


Ip4Prefix = Annotated[IPv4Interface, type_of(WireIp4Prefix)]
Ip6Prefix = Annotated[IPv6Interface, type_of(WireIp6Prefix)]
Ip4AddressWithPrefix = Annotated[IPv4Interface, api.alias("ip4_address_with_prefix", Ip4Prefix)]
Ip6AddressWithPrefix = Annotated[IPv6Interface, api.alias("ip6_address_with_prefix", Ip6Prefix)]


@api.structure("ip4_address_and_mask")
class Ip4AddressAndMask(Struct):
    """An address and which of its bits count."""

    addr: Ip4Address
    mask: Ip4Address


@api.structure("ip6_address_and_mask")
class Ip6AddressAndMask(Struct):
    """An address and which of its bits count."""

    addr: Ip6Address
    mask: Ip6Address


@api.structure("mprefix")
class Mprefix(Struct):
    """A multicast group, and perhaps a source."""

    af: AddressFamily
    grp_address_length: u16
    grp_address: AddressUnion
    src_address: AddressUnion


@api.structure("prefix_matcher")
class PrefixMatcher(Struct):
    """Which lengths of a prefix match: ``le`` at most, ``ge`` at least; 255 where it does not matter."""

    le: u8
    ge: u8
