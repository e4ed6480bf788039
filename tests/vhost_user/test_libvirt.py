"""What ``show libvirt`` prints, given to a real libvirtd: its machine has the network."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import Lab
from tests.switch import Switch, wait

from weft.core.cli import CliError
from weft.features.interface.model import Interfaces
from weft.lab.image import image
from weft.lab.machine import Console, accelerator

NAME = "VirtualEthernet0/0/0"
#: libvirtd wants to know them even where it does not use them; Debian's libvirt-daemon-system would add them.
ACCOUNTS = {"passwd": "libvirt-qemu:x:64055:64055::/:/bin/false\n", "group": "libvirt-qemu:x:64055:\n"}
PRIVATE = ("/run", "/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt")
DAEMON = shutil.which("libvirtd", path=f"{os.environ['PATH']}:/usr/sbin")
#: Nothing of the host is managed: no cgroups, no namespaces of QEMU's own, no other daemon for its output.
QEMU = """
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
stdio_handler = "file"
"""


def parts(text: str) -> tuple[ElementTree.Element, ElementTree.Element]:
    """The memory backing and the interface that ``show libvirt`` prints."""
    backing, interface = ElementTree.fromstring(f"<both>{text}</both>")
    return backing, interface


def test_the_element_follows_the_interface(lab: Lab, tmp_path: Path) -> None:
    lab.cli(f"create vhost-user socket {tmp_path}/a.sock server")
    lab.cli(f"create vhost-user socket {tmp_path}/b&c.sock packed")
    _, interface = parts(lab.cli(f"show libvirt {NAME}"))
    source = interface.find("source")
    assert interface.get("type") == "vhostuser" and source is not None
    # ``mode`` is QEMU's: where we listen, it is the client, which connects again after a restart of ours.
    assert source.attrib == {"type": "unix", "path": f"{tmp_path}/a.sock", "mode": "client"}
    assert interface.find("source/reconnect") is not None and interface.find("driver") is None
    _, interface = parts(lab.cli(f"show libvirt socket {tmp_path}/b&c.sock queues 4"))
    source, driver = interface.find("source"), interface.find("driver")
    assert source is not None and driver is not None
    assert source.attrib == {"type": "unix", "path": f"{tmp_path}/b&c.sock", "mode": "server"}
    assert driver.attrib == {"queues": "4", "packed": "on"}
    for wrong, why in (
        ("socket /nowhere", "no interface has"),
        ("local0", "no vhost-user"),
        (f"{NAME} queues 0", "1 to"),
    ):
        with pytest.raises(CliError, match=why):
            lab.cli(f"show libvirt {wrong}")


class Libvirt:
    """A libvirtd that sees folders of its own in the place of the host's."""

    def __init__(self, folder: Path) -> None:
        assert DAEMON is not None
        self.folder = folder
        (folder / "qemu.conf").write_text(QEMU)
        (folder / "libvirtd.conf").write_text(
            f'unix_sock_dir = "{folder}"\nauth_unix_rw = "none"\nhost_uuid = "7d4f6a1e-58a5-4a0e-9f62-9b1b0c3d8e4a"\n'
        )
        mounts = "".join(f"mkdir -p {path} && mount -t tmpfs none {path} && " for path in PRIVATE)
        for name, more in ACCOUNTS.items():
            (folder / name).write_text(Path("/etc", name).read_text() + more)
            mounts += f"mount --bind {folder}/{name} /etc/{name} && "
        script = f"{mounts} cp {folder}/qemu.conf /etc/libvirt/ && exec {DAEMON} -f {folder}/libvirtd.conf"
        self.log = (folder / "libvirtd.log").open("wb")
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script], stdout=self.log, stderr=self.log
        )
        deadline = time.monotonic() + 30
        while not (folder / "libvirt-sock").exists():
            assert self.process.poll() is None and time.monotonic() < deadline, self.said
            time.sleep(0.05)

    @property
    def said(self) -> str:
        return (self.folder / "libvirtd.log").read_text()

    def virsh(self, *command: str) -> str:
        done = subprocess.run(
            ["virsh", "-c", f"qemu+unix:///system?socket={self.folder}/libvirt-sock", *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr + self.said
        return done.stdout

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


@pytest.fixture
def libvirt(tmp_path: Path) -> Iterator[Libvirt]:
    if DAEMON is None or os.geteuid() != 0:
        pytest.skip("needs root, and Debian's libvirt-daemon, libvirt-daemon-driver-qemu and libvirt-clients")
    made = Libvirt(tmp_path)
    yield made
    made.close()


def domain(backing: ElementTree.Element, interface: ElementTree.Element, console: Path) -> str:
    """A machine with that network card, and with its console at a socket. Without KVM, QEMU 7.2's vhost-user cards
    cannot have MSI-X, which libvirt has no word for.
    """
    boot, kind = image(), "kvm" if accelerator() == "kvm" else "qemu"
    ElementTree.SubElement(interface, "alias", name="ua-card")
    backing_text, interface_text = (ElementTree.tostring(each, encoding="unicode") for each in (backing, interface))
    override = """
      <qemu:override xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
        <qemu:device alias='ua-card'><qemu:frontend>
          <qemu:property name='vectors' type='unsigned' value='0'/>
        </qemu:frontend></qemu:device>
      </qemu:override>"""
    return f"""
    <domain type='{kind}'>
      <name>weft-test-{os.getpid()}</name>
      <memory unit='MiB'>160</memory>
      {backing_text}
      <vcpu>1</vcpu>
      <os>
        <type arch='x86_64' machine='q35'>hvm</type>
        <kernel>{boot.kernel}</kernel>
        <initrd>{boot.initrd}</initrd>
        <cmdline>console=ttyS0 quiet panic=-1 ipv6.disable=1</cmdline>
      </os>
      <features><acpi/></features>
      <devices>
        <emulator>/usr/bin/qemu-system-x86_64</emulator>
        {interface_text}
        <serial type='unix'><source mode='bind' path='{console}'/></serial>
        <memballoon model='none'/>
      </devices>
      {override if kind == "qemu" else ""}
    </domain>"""


@pytest.mark.parametrize("server", ["server", ""], ids=["server", "client"])
def test_a_machine_of_libvirt(switch: Switch, libvirt: Libvirt, tmp_path: Path, server: str) -> None:
    switch.cli(f"""
        create vhost-user socket {tmp_path}/vm.sock {server}
        set interface state {NAME} up
        create sub-interfaces {NAME} 2
        set interface state {NAME}.2 up
        set interface ip address {NAME}.2 192.168.2.1/24
    """)
    description = tmp_path / "machine.xml"
    description.write_text(domain(*parts(switch.cli(f"show libvirt {NAME}")), tmp_path / "console"))
    libvirt.virsh("create", "--validate", str(description))
    machine = f"weft-test-{os.getpid()}"
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(tmp_path / "console"))
            console = Console(line.fileno(), line.fileno())
            os.write(line.fileno(), b"\necho GUEST-READY\n")  # it may have said so before we listened
            console.ready()
            console.run(
                "ip link set eth0 up && ip link add link eth0 name eth0.2 type vlan id 2 && ip link set eth0.2 up"
                " && ip addr add 192.168.2.10/24 dev eth0.2"
            )
            assert console.ping("192.168.2.1")
        assert "vhostuser" in libvirt.virsh("domiflist", machine)
    finally:
        libvirt.virsh("destroy", machine)
    wait(lambda: not switch.engine[Interfaces][NAME].link_up, 30)
