"""The interface driver of Neutron's agents, in a node of the lab: ``make test-openstack``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.openstack.site import environment

from weft_openstack.lab.node import Node
from weft_openstack.lab.process import NotReady

pytestmark = pytest.mark.skipif(environment() is None, reason="WEFT_NEUTRON does not say where Neutron is installed")

PORT = "0e9a2f4c-11d2-4b1e-9d53-c5f4a9c0d1e2"
MAC = "fa:16:3e:12:34:56"
#: What an agent does before it calls the driver, then calls.
AGENT = """
from types import SimpleNamespace
from oslo_config import cfg
from neutron.agent import dhcp_agent
from neutron.conf.agent import common
from neutron_lib.utils import runtime
dhcp_agent.register_options(cfg.CONF)
cfg.CONF([])
cfg.CONF.set_override("root_helper", "env", "AGENT")
common.setup_privsep()
driver = runtime.load_class_by_alias_or_classname("neutron.interface_drivers", "weft")(cfg.CONF)
name = driver.get_device_name(SimpleNamespace(id={port!r}))
where = dict(namespace="agent")
{calls}
print(name)
"""
PLUG = f"driver.plug('network', {PORT!r}, name, {MAC!r}, mtu=1450, **where)\n"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node("driven", tmp_path)
    made.start()
    made.run("ip", "netns", "add", "agent")
    yield made
    made.stop()


def call(node: Node, *calls: str) -> str:
    """Let the driver do something as an agent would; the device's name."""
    where = environment()
    assert where is not None
    program = AGENT.format(port=PORT, calls="".join(calls))
    path = f"PATH={where}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return node.run("env", path, str(where / "bin" / "python"), "-c", program, seconds=180).split()[-1]


def link(node: Node, name: str, *inside: str) -> Any:
    """What Linux says of a device; None if there is none."""
    found = json.loads(node.run(*inside, "ip", "-d", "-j", "link", "show") or "[]")
    return next((each for each in found if each.get("ifname") == name), None)


INSIDE = ("ip", "netns", "exec", "agent")


def test_a_device_is_a_veth_whose_near_end_the_agent_of_the_forwarder_knows(node: Node) -> None:
    name = call(node, PLUG)
    near, far = link(node, "tap" + PORT[:11]), link(node, name, *INSIDE)
    assert name == "ns-" + PORT[:11]
    assert near["linkinfo"]["info_kind"] == far["linkinfo"]["info_kind"] == "veth"
    assert far["address"] == MAC
    assert (near["mtu"], far["mtu"]) == (1450, 1450)
    assert "UP" in near["flags"] and "UP" in far["flags"]
    assert "master" not in near  # no bridge
    assert not node.run("ip", "-6", "addr", "show", "dev", near["ifname"])


def test_routers_devices_have_prefixes_of_their_own(node: Node) -> None:
    call(node, f"name = 'qr-' + {PORT[:11]!r}; where['prefix'] = 'qr-'\n", PLUG)
    assert link(node, "tap" + PORT[:11]) and link(node, "qr-" + PORT[:11], *INSIDE)
    call(node, f"driver.unplug('qr-' + {PORT[:11]!r}, namespace='agent', prefix='qr-')\n")
    assert not link(node, "tap" + PORT[:11]) and not link(node, "qr-" + PORT[:11], *INSIDE)


def test_an_mtu_that_changes_changes_both_ends(node: Node) -> None:
    name = call(node, PLUG, "driver.set_mtu(name, 1500, **where)\n")
    assert link(node, "tap" + PORT[:11])["mtu"] == link(node, name, *INSIDE)["mtu"] == 1500


def test_plugged_twice_is_one_device_and_unplugged_twice_is_none(node: Node) -> None:
    call(node, PLUG, PLUG.replace("1450", "1400"))
    assert link(node, "tap" + PORT[:11])["mtu"] == 1400
    name = call(node, "driver.unplug(name, **where)\n", "driver.unplug(name, **where)\n")
    assert not link(node, "tap" + PORT[:11]) and not link(node, name, *INSIDE)


def test_a_near_end_that_was_left_over_is_replaced(node: Node) -> None:
    node.run("ip", "link", "add", "tap" + PORT[:11], "type", "veth", "peer", "name", "lost")
    name = call(node, PLUG)
    assert link(node, name, *INSIDE)["address"] == MAC
    assert not link(node, "lost")


def test_a_device_that_cannot_be_made_whole_is_not_made(node: Node) -> None:
    with pytest.raises(NotReady):
        call(node, PLUG.replace(MAC, "ff:ff:ff:ff:ff:ff"))  # Linux takes no group address
    assert not link(node, "tap" + PORT[:11]) and not link(node, "ns-" + PORT[:11], *INSIDE)


def test_a_node_takes_all_that_runs_in_it_along(tmp_path: Path) -> None:
    made = Node("short", tmp_path)
    made.start()
    started = made.run("sh", "-c", "sleep 600 >/dev/null 2>&1 & ip link add left type dummy; hostname")
    assert started.strip() == "short"
    assert "sleep 600" in made.run("ps", "ax")
    namespace = Path(f"/proc/{made.pid}/ns/pid").readlink()
    assert made.stop()
    assert not made.stop()
    lives = {_namespace(each) for each in Path("/proc").glob("[0-9]*/ns/pid")}
    assert namespace not in lives
    with pytest.raises(NotReady, match="does not run"):
        made.run("true")


def _namespace(path: Path) -> Path | None:
    try:
        return path.readlink()
    except OSError:
        return None
