"""The interface driver ``weft`` for Neutron's DHCP, L3 and metadata agents: their devices are ports of the forwarder.

A veth: its far end is in the agent's namespace with the addresses, its near end is ``tapPORT``, on which the
forwarder's agent makes a host-interface. So addresses and routes stay when the forwarder starts anew, and no Linux
bridge is between.
"""

from __future__ import annotations

import logging

from neutron.agent.linux import interface, ip_lib
from neutron_lib import constants, exceptions

log = logging.getLogger(__name__)

FAR = "ns-"


class WeftInterfaceDriver(interface.LinuxInterfaceDriver):
    """What the agents call."""

    DEV_NAME_PREFIX = FAR

    def plug_new(
        self,
        network_id: str,
        port_id: str,
        device_name: str,
        mac_address: str,
        bridge: str | None = None,
        namespace: str | None = None,
        prefix: str | None = None,
        mtu: int | None = None,
        link_up: bool = True,
    ) -> None:
        """Make the device and its near end, whole or not at all: a device that is there is taken for a good one."""
        name = self._near(device_name, prefix)
        left = ip_lib.IPDevice(name)
        if left.exists():  # its far end is in no namespace where anybody looks for it
            log.warning("%s is there without %s; making both anew", name, device_name)
            left.link.delete()
        near, far = ip_lib.IPWrapper().add_veth(name, device_name, namespace2=namespace)
        try:
            near.disable_ipv6()  # it is a port, not a host
            far.link.set_address(mac_address)
            if mtu:
                near.link.set_mtu(mtu)
                far.link.set_mtu(mtu)
            near.link.set_up()
            if link_up:
                far.link.set_up()
        except Exception:
            near.link.delete()
            raise

    def unplug(
        self, device_name: str, bridge: str | None = None, namespace: str | None = None, prefix: str | None = None
    ) -> None:
        """Delete both ends."""
        try:
            ip_lib.IPDevice(device_name, namespace=namespace).link.delete()
        except (RuntimeError, exceptions.NeutronException, OSError) as error:
            log.warning("the device %s could not be deleted: %s", device_name, error)

    def set_mtu(self, device_name: str, mtu: int, namespace: str | None = None, prefix: str | None = None) -> None:
        ip_lib.IPDevice(self._near(device_name, prefix)).link.set_mtu(mtu)
        ip_lib.IPDevice(device_name, namespace=namespace).link.set_mtu(mtu)

    def _near(self, device_name: str, prefix: str | None) -> str:
        return str(constants.TAP_DEVICE_PREFIX + device_name.removeprefix(prefix or FAR))
