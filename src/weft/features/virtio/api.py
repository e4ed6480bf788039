"""Messages of network devices on the PCI bus that speak virtio. There is no driver of such devices here."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.api import Module, u8, u16, u64
from weft.core.api.ethernet_types import MacAddress
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex

if TYPE_CHECKING:
    from weft.core.engine import Engine

pci_types = Module("pci_types", "1.0.0")
api = Module("virtio", "3.0.0", "Virtio network devices on the PCI bus")


@pci_types.structure("pci_address")
class PciAddress(Struct):
    """Where a device is."""

    domain: u16
    bus: u8
    slot: u8
    function: u8


@api.enum("virtio_flags", late=("VIRTIO_API_FLAG_BUFFERING", "VIRTIO_API_FLAG_RSS"))
class VirtioFlags(enum.IntFlag):
    """What a device is to do."""

    VIRTIO_API_FLAG_GSO = 1
    VIRTIO_API_FLAG_CSUM_OFFLOAD = 2
    VIRTIO_API_FLAG_GRO_COALESCE = 4
    VIRTIO_API_FLAG_PACKED = 8
    VIRTIO_API_FLAG_IN_ORDER = 16
    VIRTIO_API_FLAG_BUFFERING = 32
    VIRTIO_API_FLAG_RSS = 64


@api.reply("virtio_pci_create_reply", 0x5383D31F)
class VirtioPciCreateReply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.unimplemented("virtio_pci_create", 0x1944F8DB, reply=VirtioPciCreateReply, deprecated=None)
def virtio_pci_create(
    engine: Engine,
    pci_addr: PciAddress,
    use_random_mac: bool,
    mac_address: MacAddress,
    gso_enabled: bool,
    checksum_offload_enabled: bool,
    features: u64,
) -> None:
    """Take a device as an interface."""


@api.reply("virtio_pci_create_v2_reply", 0x5383D31F)
class VirtioPciCreateV2Reply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.unimplemented("virtio_pci_create_v2", 0x5D096E1A, reply=VirtioPciCreateV2Reply)
def virtio_pci_create_v2(
    engine: Engine,
    pci_addr: PciAddress,
    use_random_mac: bool,
    mac_address: MacAddress,
    virtio_flags: VirtioFlags,
    features: u64,
) -> None:
    """Take a device as an interface."""


@api.unimplemented("virtio_pci_delete", 0xF9E6675E)
def virtio_pci_delete(engine: Engine, sw_if_index: InterfaceIndex) -> None:
    """Give a device back."""


@api.details("sw_interface_virtio_pci_details", 0x6CA9C167)
class SwInterfaceVirtioPciDetails(Struct):
    """An interface that is such a device."""

    sw_if_index: InterfaceIndex
    pci_addr: PciAddress
    mac_addr: MacAddress
    tx_ring_sz: u16
    rx_ring_sz: u16
    features: u64


@api.unimplemented("sw_interface_virtio_pci_dump", 0x51077D14, details=SwInterfaceVirtioPciDetails)
def sw_interface_virtio_pci_dump(engine: Engine) -> None:
    """All interfaces that are such devices."""
