"""Commands, sockets and roles."""

from __future__ import annotations

import os
import re
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.conftest import Lab
from tests.vhost_user.conftest import NAME
from tests.vhost_user.frontend import FrontEnd
from tests.vhost_user.test_control import passes

from weft.core.cli import CliError
from weft.core.model import Invalid
from weft.features.interface.model import Interfaces
from weft.features.vhost_user.bits import Wishes
from weft.features.vhost_user.device import SocketOptions, VhostUsers


def test_show_is_vpps(lab: Lab, tmp_path: Path) -> None:
    """As VPP 26.06 shows the listing's interface before a machine comes."""
    assert lab.cli(f"create vhost socket {tmp_path}/vm00.sock server").strip() == NAME
    text = lab.cli("show vhost-user")
    for line in (
        "Virtio vhost-user interfaces",
        f"Interface: {NAME} (ifindex 1)",
        "  Number of qids 2",
        "virtio_net_hdr_sz 0",
        " features mask (0xfffffffbdfffa27c):",
        " features (0x0):",
        "  protocol features (0x0)",
        f' socket filename {tmp_path}/vm00.sock type server errno "Success"',
        " rx placement:",
        " tx placement",
        " Memory regions (total 0)",
    ):
        assert line in text.splitlines()


def test_names_and_numbers(lab: Lab, tmp_path: Path) -> None:
    create = f"create vhost-user socket {tmp_path}/"
    assert lab.cli(f"{create}a server renumber 7 hwaddr 02:fe:00:00:00:09").strip() == "VirtualEthernet0/0/7"
    assert lab.cli(f"{create}b server").strip() == NAME
    assert "02:fe:00:00:00:09" in lab.cli("show hardware-interfaces VirtualEthernet0/0/7")
    for wrong, why in (
        ("c server renumber 7", "already exists"),
        ("a server", "already uses the socket"),
        ("c server renumber 70000", "is 0 to 1023"),
        ("c server hwaddr 01:00:00:00:00:00", "unicast"),
        ("nowhere/" + "x" * 120 + " server", "1 to 107 bytes"),
        ("c server owner nosuchuser", "no user"),
    ):
        with pytest.raises(CliError, match=why):
            lab.cli(create + wrong)
    assert len(lab.engine[Interfaces].by_index) == 3, "nothing is left of what was refused"
    lab.cli("delete vhost-user VirtualEthernet0/0/7")
    assert not (tmp_path / "a").exists()
    with pytest.raises(CliError, match="no vhost-user interface"):
        lab.cli("delete vhost-user local0")


def test_the_sockets_mode(lab: Lab, tmp_path: Path) -> None:
    lab.cli(f"create vhost-user socket {tmp_path}/vm.sock server mode 600 group {os.getgid()}")
    assert stat.S_IMODE((tmp_path / "vm.sock").stat().st_mode) == 0o600


def test_a_dead_socket_is_replaced_and_a_file_is_not(lab: Lab, tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "vm.sock"))
    dead.close()
    lab.cli(f"create vhost-user socket {tmp_path}/vm.sock server")
    (tmp_path / "file").write_text("precious")
    with pytest.raises(CliError, match="not a socket"):
        lab.cli(f"create vhost-user socket {tmp_path}/file server")
    assert (tmp_path / "file").read_text() == "precious"


def test_as_a_client_it_connects_again_and_again(lab: Lab, tmp_path: Path) -> None:
    lab.pg(1)
    lab.cli(f"""
        create vhost-user socket {tmp_path}/vm.sock
        set interface state {NAME} up
        set interface l2 xconnect {NAME} pg0
        set interface l2 xconnect pg0 {NAME}
    """)
    assert 'type client errno "No such file or directory"' in lab.cli("show vhost-user")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "vm.sock"))
    listener.listen()
    listener.settimeout(5)
    for _ in range(2):
        lab.engine.advance(3)
        vm = FrontEnd(lab, tmp_path / "vm.sock")
        vm.socket.close()
        vm.socket, _ = listener.accept()
        vm.connect = lambda vm=vm: vm  # type: ignore[method-assign,misc]
        vm.start()
        passes(lab, vm)
        vm.close()
    listener.close()


def test_a_front_end_that_hangs_up_at_once_is_tried_ever_less_often(lab: Lab, tmp_path: Path) -> None:
    """At once, and then 0.05, 0.1, 0.2, 0.4, 0.8, 1.6 and 2 s after each other: 10 times in 10 s."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "vm.sock"))
    listener.listen()
    listener.setblocking(False)
    lab.cli(f"create vhost-user socket {tmp_path}/vm.sock")
    tries = 0
    for _ in range(1000):
        with suppress(BlockingIOError):
            listener.accept()[0].close()
            tries += 1
        lab.engine.step()
        lab.engine.advance(0.01)
    assert tries == pytest.approx(10, abs=1)
    listener.close()


def test_deleting_under_traffic(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = front_end().start()
    passes(lab, vm)
    vm.offer(4)
    lab.cli(f"delete vhost-user {NAME}")
    assert vm.closed
    assert NAME not in lab.cli("show interface")
    assert NAME not in lab.cli("show interface rx-placement")


def test_modifying(lab: Lab, front_end: Callable[..., FrontEnd], tmp_path: Path) -> None:
    vm = front_end().start()
    vhosts, interface = lab.engine[VhostUsers], lab.engine[Interfaces][NAME]
    (tmp_path / "file").write_text("")
    with pytest.raises(Invalid):
        vhosts.modify(interface, SocketOptions(f"{tmp_path}/file", server=True), Wishes())
    assert re.search(r"socket filename \S+/vm.sock type server", lab.cli("show vhost-user"))
    vhosts.modify(interface, SocketOptions(f"{tmp_path}/other.sock", server=True), Wishes(packed=True))
    assert vm.closed
    after = FrontEnd(lab, tmp_path / "other.sock", features=1 << 34 | 1 << 30 | 1 << 32).start()
    passes(lab, after)
    after.close()
