"""Feature bits: which there are, and which we offer."""

from __future__ import annotations

import enum

from msgspec import Struct


class Feature(enum.IntFlag):
    """Of the device (virtio 1.2, 5.1.3 and 6), and vhost-user's own two, with their numbers' names in VPP."""

    VIRTIO_NET_F_CSUM = 1 << 0
    VIRTIO_NET_F_GUEST_CSUM = 1 << 1
    VIRTIO_NET_F_MTU = 1 << 3
    VIRTIO_NET_F_MAC = 1 << 5
    VIRTIO_NET_F_GUEST_TSO4 = 1 << 7
    VIRTIO_NET_F_GUEST_TSO6 = 1 << 8
    VIRTIO_NET_F_GUEST_ECN = 1 << 9
    VIRTIO_NET_F_GUEST_UFO = 1 << 10
    VIRTIO_NET_F_HOST_TSO4 = 1 << 11
    VIRTIO_NET_F_HOST_TSO6 = 1 << 12
    VIRTIO_NET_F_HOST_ECN = 1 << 13
    VIRTIO_NET_F_HOST_UFO = 1 << 14
    VIRTIO_NET_F_MRG_RXBUF = 1 << 15
    VIRTIO_NET_F_STATUS = 1 << 16
    VIRTIO_NET_F_CTRL_VQ = 1 << 17
    VIRTIO_NET_F_CTRL_RX = 1 << 18
    VIRTIO_NET_F_GUEST_ANNOUNCE = 1 << 21
    VIRTIO_NET_F_MQ = 1 << 22
    VHOST_F_LOG_ALL = 1 << 26
    VIRTIO_F_ANY_LAYOUT = 1 << 27
    VIRTIO_F_INDIRECT_DESC = 1 << 28
    VIRTIO_F_EVENT_IDX = 1 << 29
    VHOST_USER_F_PROTOCOL_FEATURES = 1 << 30
    VIRTIO_F_VERSION_1 = 1 << 32
    VIRTIO_F_RING_PACKED = 1 << 34


class Protocol(enum.IntFlag):
    """Of the conversation between front end and back end."""

    VHOST_USER_PROTOCOL_F_MQ = 1 << 0
    VHOST_USER_PROTOCOL_F_LOG_SHMFD = 1 << 1
    VHOST_USER_PROTOCOL_F_RARP = 1 << 2
    VHOST_USER_PROTOCOL_F_REPLY_ACK = 1 << 3
    VHOST_USER_PROTOCOL_F_MTU = 1 << 4
    VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD = 1 << 12
    VHOST_USER_PROTOCOL_F_RESET_DEVICE = 1 << 13
    VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS = 1 << 15
    VHOST_USER_PROTOCOL_F_STATUS = 1 << 16


OFFERED_PROTOCOL = Protocol(sum(Protocol))

_ALWAYS = (
    Feature.VIRTIO_NET_F_MTU
    | Feature.VIRTIO_NET_F_MRG_RXBUF
    | Feature.VIRTIO_NET_F_CTRL_VQ
    | Feature.VIRTIO_NET_F_CTRL_RX
    | Feature.VIRTIO_NET_F_GUEST_ANNOUNCE
    | Feature.VIRTIO_NET_F_MQ
    | Feature.VHOST_F_LOG_ALL
    | Feature.VIRTIO_F_ANY_LAYOUT
    | Feature.VIRTIO_F_INDIRECT_DESC
    | Feature.VHOST_USER_F_PROTOCOL_FEATURES
    | Feature.VIRTIO_F_VERSION_1
)
#: The guest may leave checksums and segmentation to us ...
TO_US = (
    Feature.VIRTIO_NET_F_CSUM
    | Feature.VIRTIO_NET_F_HOST_TSO4
    | Feature.VIRTIO_NET_F_HOST_TSO6
    | Feature.VIRTIO_NET_F_HOST_ECN
)
#: ... and we to it.
TO_GUEST = (
    Feature.VIRTIO_NET_F_GUEST_CSUM
    | Feature.VIRTIO_NET_F_GUEST_TSO4
    | Feature.VIRTIO_NET_F_GUEST_TSO6
    | Feature.VIRTIO_NET_F_GUEST_ECN
)
#: What the mask that VPP shows does without, beside packed rings and event indices.
GSO = (
    (TO_US | TO_GUEST | Feature.VIRTIO_NET_F_GUEST_UFO | Feature.VIRTIO_NET_F_HOST_UFO)
    & ~Feature.VIRTIO_NET_F_GUEST_ECN
    & ~Feature.VIRTIO_NET_F_HOST_ECN
)
ALL_ONES = (1 << 64) - 1


class Wishes(Struct, frozen=True):
    """What the user wants to be offered to a guest."""

    feature_mask: int = ALL_ONES
    gso: bool = False
    packed: bool = False
    event_index: bool = False
    mergeable: bool = True
    indirect: bool = True

    @property
    def mask(self) -> int:
        """The feature mask as VPP computes it."""
        mask = self.feature_mask
        for wanted, bits in (
            (self.gso, GSO),
            (self.packed, Feature.VIRTIO_F_RING_PACKED),
            (self.event_index, Feature.VIRTIO_F_EVENT_IDX),
            (self.mergeable, Feature.VIRTIO_NET_F_MRG_RXBUF),
            (self.indirect, Feature.VIRTIO_F_INDIRECT_DESC),
        ):
            if not wanted:
                mask &= ~int(bits)
        return mask & ALL_ONES

    @property
    def offered(self) -> int:
        """The features that a front end is told."""
        optional = (TO_US | TO_GUEST) if self.gso else Feature(0)
        return (_ALWAYS | optional | Feature.VIRTIO_F_RING_PACKED | Feature.VIRTIO_F_EVENT_IDX) & self.mask


def names(kind: type[Feature] | type[Protocol], value: int) -> list[str]:
    """``VIRTIO_NET_F_MQ (22)`` for each bit of a value that has a name."""
    return [f"{bit.name} ({bit.bit_length() - 1})" for bit in kind if value & bit]
