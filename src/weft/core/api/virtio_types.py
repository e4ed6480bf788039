"""The API's types of virtio."""

from __future__ import annotations

import enum

from .module import Module

api = Module("virtio_types", "1.0.0")


@api.enum("virtio_net_features_first_32")
class FirstFeatures(enum.IntFlag):
    """Bits 0 to 31 of what a device and its driver have agreed on; some have no name here (virtio 1.2, 5.1.3)."""

    VIRTIO_NET_F_API_CSUM = 1 << 0
    VIRTIO_NET_F_API_GUEST_CSUM = 1 << 1
    VIRTIO_NET_F_API_GUEST_TSO4 = 1 << 7
    VIRTIO_NET_F_API_GUEST_TSO6 = 1 << 8
    VIRTIO_NET_F_API_GUEST_UFO = 1 << 10
    VIRTIO_NET_F_API_HOST_TSO4 = 1 << 11
    VIRTIO_NET_F_API_HOST_TSO6 = 1 << 12
    VIRTIO_NET_F_API_HOST_UFO = 1 << 14
    VIRTIO_NET_F_API_MRG_RXBUF = 1 << 15
    VIRTIO_NET_F_API_CTRL_VQ = 1 << 17
    VIRTIO_NET_F_API_GUEST_ANNOUNCE = 1 << 21
    VIRTIO_NET_F_API_MQ = 1 << 22
    VHOST_F_API_LOG_ALL = 1 << 26
    VIRTIO_F_API_ANY_LAYOUT = 1 << 27
    VIRTIO_F_API_INDIRECT_DESC = 1 << 28
    VHOST_USER_F_API_PROTOCOL_FEATURES = 1 << 30


@api.enum("virtio_net_features_last_32")
class LastFeatures(enum.IntFlag):
    """Bits 32 to 63."""

    VIRTIO_F_API_VERSION_1 = 1 << 0
