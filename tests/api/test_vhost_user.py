"""Messages of vhost-user interfaces, with a front end that connects to what they made."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.l2 import Ether
from tests.vhost_user.frontend import FrontEnd

from .served import Served

INVALID_SW_IF_INDEX, INVALID_VALUE, INVALID_ARGUMENT, IF_ALREADY_EXISTS = -2, -7, -73, -79
NONE = 0xFFFFFFFF
#: Of virtio 1.2, 5.1.3 and 6.
MERGEABLE, PROTOCOL, VERSION_1, PACKED = 1 << 15, 1 << 30, 1 << 32, 1 << 34
ECONNREFUSED = 111


@pytest.fixture(params=["create_vhost_user_if", "create_vhost_user_if_v2"])
def create(vpp: Any, request: pytest.FixtureRequest) -> Any:
    return getattr(vpp.api, request.param)


def details(vpp: Any, sw_if_index: int = NONE) -> list[tuple[Any, ...]]:
    """What a dump says of each: name, header, features, server, socket, regions, error."""
    return [
        (
            each.interface_name,
            each.virtio_net_hdr_sz,
            int(each.features_first_32) | int(each.features_last_32) << 32,
            each.is_server,
            each.sock_filename,
            each.num_regions,
            each.sock_errno,
        )
        for each in vpp.api.sw_interface_vhost_user_dump(sw_if_index=sw_if_index)
    ]


def test_an_interface_and_its_guest(served: Served, vpp: Any, create: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "vm.sock")
    made = create(
        is_server=True,
        sock_filename=path,
        renumber=True,
        custom_dev_instance=3,
        use_custom_mac=True,
        mac_address="02:fe:00:00:00:77",
        tag="red",
    )
    assert made.retval == 0
    (interface,) = vpp.api.sw_interface_dump(sw_if_index=made.sw_if_index)
    assert (interface.interface_name, interface.tag) == ("VirtualEthernet0/0/3", "red")
    assert str(interface.l2_address) == "02:fe:00:00:00:77"
    assert details(vpp) == [("VirtualEthernet0/0/3", 0, 0, True, path, 0, 0)]
    features = MERGEABLE | PROTOCOL | VERSION_1
    guest = served.run(lambda lab: FrontEnd(lab, tmp_path / "vm.sock", features=features).start())
    # The header has 12 bytes with VIRTIO 1 (virtio 1.2, 5.1.6.1); a test's guest shares one region.
    assert details(vpp, made.sw_if_index) == [("VirtualEthernet0/0/3", 12, features, True, path, 1, 0)]
    assert details(vpp, 0) == []
    assert vpp.api.delete_vhost_user_if(sw_if_index=made.sw_if_index).retval == 0
    assert details(vpp) == []
    served.run(lambda lab: guest.close())
    assert not os.path.exists(path)


def test_what_is_offered_to_a_guest(served: Served, vpp: Any, tmp_path: Path) -> None:
    """VIRTIO_NET_F_MRG_RXBUF, ..._INDIRECT_DESC, ..._EVENT_IDX, ..._RING_PACKED, ..._CSUM."""
    wishes = {
        "disable_mrg_rxbuf": (15, False),
        "disable_indirect_desc": (28, False),
        "enable_event_idx": (29, True),
        "enable_packed": (34, True),
        "enable_gso": (0, True),
    }
    for number, (wish, (bit, wanted)) in enumerate(wishes.items()):
        path = tmp_path / f"{number}.sock"
        vpp.api.create_vhost_user_if_v2(is_server=True, sock_filename=str(path), **{wish: True})
        offered = served.run(lambda lab, path=path: _offered(lab, path))
        assert bool(offered >> bit & 1) is wanted, wish
        for other, (its, otherwise) in wishes.items():
            assert other == wish or bool(offered >> its & 1) is not otherwise, (wish, other)


def _offered(lab: Any, path: Path) -> int:
    vm = FrontEnd(lab, path)
    try:
        return vm.connect().number("GET_FEATURES")
    finally:
        vm.close()


@pytest.mark.parametrize("modify", ["modify_vhost_user_if", "modify_vhost_user_if_v2"])
def test_modifying(served: Served, vpp: Any, modify: str, tmp_path: Path) -> None:
    change = getattr(vpp.api, modify)
    first, second = str(tmp_path / "first.sock"), str(tmp_path / "second.sock")
    made = vpp.api.create_vhost_user_if_v2(is_server=True, sock_filename=first)
    vpp.api.create_subif(sw_if_index=made.sw_if_index, sub_id=2, outer_vlan_id=2, sub_if_flags=2 | 16)
    reply = change(
        sw_if_index=made.sw_if_index,
        is_server=True,
        sock_filename=second,
        enable_packed=True,
        renumber=True,
        custom_dev_instance=9,
    )
    assert reply.retval == 0
    assert details(vpp) == [("VirtualEthernet0/0/9", 0, 0, True, second, 0, 0)]
    names = {each.interface_name for each in vpp.api.sw_interface_dump()}
    assert names == {"local0", "VirtualEthernet0/0/9", "VirtualEthernet0/0/9.2"}
    assert not os.path.exists(first)
    assert vpp.api.sw_interface_set_flags(sw_if_index=made.sw_if_index, flags=1).retval == 0
    served.run(lambda lab: _receives(lab, tmp_path / "second.sock"))
    assert vpp.api.create_vhost_user_if_v2(is_server=True, sock_filename=first).retval == 0
    assert [name for name, *_ in details(vpp)] == ["VirtualEthernet0/0/9", "VirtualEthernet0/0/0"]


def _receives(lab: Any, path: Path) -> None:
    """A guest with packed rings gets what comes in by the port that its own is cross-connected with."""
    vm = FrontEnd(lab, path, features=PACKED | PROTOCOL | VERSION_1).start()
    (port,) = lab.pg(1)
    lab.cli("set interface l2 xconnect pg0 VirtualEthernet0/0/9")
    lab.cli("set interface l2 xconnect VirtualEthernet0/0/9 pg0")
    frame = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x88B6) / bytes(46)
    given = vm.offer()
    lab.send(port, frame)
    assert [found for _, found in vm.collect(given)] == [bytes(frame)]
    vm.close()


def test_as_a_client(vpp: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "qemu.sock")
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(path)
    assert vpp.api.create_vhost_user_if_v2(is_server=False, sock_filename=path).retval == 0
    assert details(vpp) == [("VirtualEthernet0/0/0", 0, 0, False, path, 0, ECONNREFUSED)]
    dead.close()


def test_what_cannot_be(served: Served, vpp: Any, create: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "vm.sock")
    made = vpp.api.create_vhost_user_if_v2(is_server=True, sock_filename=path)
    other = {"is_server": True, "sock_filename": str(tmp_path / "other.sock")}
    modify = vpp.api.modify_vhost_user_if_v2
    before = served.cli("show vhost-user"), served.cli("show interface")
    refused = [
        (create(is_server=True, sock_filename=""), INVALID_ARGUMENT),
        (create(is_server=True, sock_filename=str(tmp_path / ("x" * 110))), INVALID_ARGUMENT),
        (create(is_server=True, sock_filename=path), IF_ALREADY_EXISTS),
        (create(renumber=True, custom_dev_instance=0, **other), IF_ALREADY_EXISTS),
        (create(use_custom_mac=True, mac_address="01:00:00:00:00:01", **other), INVALID_VALUE),
        (modify(sw_if_index=0, **other), INVALID_SW_IF_INDEX),
        (modify(sw_if_index=77, **other), INVALID_SW_IF_INDEX),
        (modify(sw_if_index=made.sw_if_index, is_server=True, sock_filename=""), INVALID_ARGUMENT),
        (vpp.api.delete_vhost_user_if(sw_if_index=0), INVALID_SW_IF_INDEX),
    ]
    assert [reply.retval for reply, _ in refused] == [error for _, error in refused]
    (tmp_path / "file").write_text("")
    for wrong in ({"custom_dev_instance": 5000}, {"sock_filename": f"{tmp_path}/file"}):
        assert create(**{"renumber": True, "custom_dev_instance": 4, **other, **wrong}).retval < 0
        change = {"renumber": True, "custom_dev_instance": 4, **other, **wrong}
        assert modify(sw_if_index=made.sw_if_index, **change).retval < 0
    assert create(tag="a\tb", **other).retval < 0
    assert (served.cli("show vhost-user"), served.cli("show interface")) == before
