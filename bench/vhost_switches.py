"""The switches that ``bench.vhost`` compares: each joins two vhost-user ports, on one core."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from bench.vhost_programs import ALONE, Program, Testpmd, Unavailable, ask
from weft.core.cli.client import Client, Unreachable

CORE = 1  #: that forwards
SOCKETS = ("a.sock", "b.sock")
NAMES = ("VirtualEthernet0/0/0", "VirtualEthernet0/0/1")
OVS = Path("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk")


class Switch:
    """Two ports, joined. ``programs``: what runs."""

    #: Whether the generator listens, and this connects.
    client = False

    def __init__(self, folder: Path, memory: list[str]) -> None:
        """``folder``: where its sockets and all its files are; ``memory``: arguments for DPDK."""
        self.folder, self.memory = folder, memory
        self.programs: list[Program] = []

    def start(self) -> None:
        """Raises Unavailable; it is to be closed then as well."""
        raise NotImplementedError

    def forget(self) -> None:
        """Count the clocks of packets from now on."""

    def clocks(self) -> float:
        """That the core has taken for a packet."""
        raise NotImplementedError

    def _run(self, program: Program) -> Program:
        self.programs.append(program)
        return program

    def close(self) -> None:
        for program in reversed(self.programs):
            program.close()


class Weft(Switch):
    """The engine with one worker. Two ports that are cross-connected."""

    join = ("set interface l2 xconnect {0} {1}", "set interface l2 xconnect {1} {0}")

    def start(self) -> None:
        folder = self.folder
        lines = [f"create vhost-user socket {folder}/{socket} server packed" for socket in SOCKETS]
        lines += [f"set interface state {name} up" for name in NAMES]
        lines += [line.format(*NAMES) for line in self.join]
        (folder / "bench.cli").write_text("\n".join(lines) + "\n")
        unix = f"unix {{ nodaemon runtime-dir {folder} cli-listen {folder}/cli.sock exec {folder}/bench.cli }}"
        cores = f"cpu {{ main-core 0 corelist-workers {CORE} }}"
        command = [sys.executable, "-m", "weft.main", *unix.split(), *cores.split()]
        engine = self._run(Program(command, folder / "weft.log"))
        engine.wait_for(folder / "cli.sock")
        engine.wait_for(folder / SOCKETS[1])

    def _cli(self, line: str) -> str:
        try:
            with Client(f"{self.folder}/cli.sock") as client:
                return client.run(line).text
        except Unreachable as error:
            raise Unavailable(f"weft: {error}") from None

    def forget(self) -> None:
        self._cli("clear runtime")

    def clocks(self) -> float:
        """All nodes' of the worker, empty looks at queues as well, for each packet that came in."""
        total = came = 0.0
        for line in self._cli("show runtime").splitlines():
            words = line.split()
            if len(words) < 7 or not words[-5].isdecimal():
                continue
            vectors, clocks = float(words[-4]), float(words[-2])
            total += vectors * clocks
            if words[0] == "vhost-user-input":
                came += vectors
        return total / came if came else float("nan")


class WeftBridge(Weft):
    """Two ports of a bridge domain, learning."""

    join = ("set interface l2 bridge {0} 1", "set interface l2 bridge {1} 1")


class TestpmdVhost(Switch):
    """testpmd's vhost ports: what comes by one leaves by the other, as it is."""

    def start(self) -> None:
        vdevs = [f"net_vhost{n},iface={self.folder}/{socket}" for n, socket in enumerate(SOCKETS)]
        self._testpmd = Testpmd(self.folder, "vhost", CORE, self.memory, vdevs)
        self._run(self._testpmd)
        self._testpmd.ready()
        self._testpmd.say("start")

    def forget(self) -> None:
        self._testpmd.forget()

    def clocks(self) -> float:
        return self._testpmd.clocks()


class OpenVSwitch(Switch):
    """Open vSwitch with DPDK and a database of its own, switching by MAC addresses."""

    client = True

    def start(self) -> None:
        if not OVS.exists():
            raise Unavailable("not installed: apt-get install openvswitch-switch-dpdk")
        if "--no-huge" in self.memory:
            raise Unavailable("it needs pages of 2 MB: sysctl vm.nr_hugepages=640")
        folder = self.folder
        directories = {f"OVS_{kind}DIR": str(folder) for kind in ("RUN", "DB", "LOG", "SYSCONF")}
        self._environment = {**os.environ, **directories}
        database, at = folder / "conf.db", f"unix:{folder}/db.sock"
        self._ask("ovsdb-tool", "create", str(database), "/usr/share/openvswitch/vswitch.ovsschema")
        server = ["ovsdb-server", str(database), f"--remote=p{at}", f"--unixctl={folder}/db.ctl"]
        self._run(Program(server, folder / "db.log", self._environment)).wait_for(folder / "db.sock")
        ctl = ("ovs-vsctl", f"--db={at}", "--no-wait")
        options = {
            "dpdk-init": "true",
            "dpdk-extra": f'"{" ".join([*self.memory, *ALONE])}"',
            "pmd-cpu-mask": f"{1 << CORE:#x}",
            "dpdk-lcore-mask": "0x1",
        }
        self._ask(*ctl, "init")
        self._ask(*ctl, "set", "Open_vSwitch", ".", *(f"other_config:{key}={value}" for key, value in options.items()))
        self._ask(*ctl, "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        for name, socket in zip("ab", SOCKETS, strict=True):
            kind = ("type=dpdkvhostuserclient", f"options:vhost-server-path={folder}/{socket}")
            self._ask(*ctl, "add-port", "br0", f"vhost-{name}", "--", "set", "Interface", f"vhost-{name}", *kind)
        # In a network of its own, as its devices would outlive it.
        program = ["unshare", "--net", str(OVS), at, f"--log-file={folder}/ovs.log", f"--unixctl={folder}/ovs.ctl"]
        switch = self._run(Program(program, folder / "vswitchd.log", self._environment))
        switch.wait_for(folder / "ovs.ctl")
        switch.until(lambda: "vhost-b" in switch.said, "there are no ports")

    def _ask(self, *command: str) -> str:
        return ask(*command, environment=self._environment)

    def _appctl(self, *words: str) -> str:
        return self._ask("ovs-appctl", "-t", f"{self.folder}/ovs.ctl", *words)

    def forget(self) -> None:
        self._appctl("dpif-netdev/pmd-stats-clear")

    def clocks(self) -> float:
        found = re.search(r"avg processing cycles per packet: ([\d.]+)", self._appctl("dpif-netdev/pmd-stats-show"))
        return float(found[1]) if found else float("nan")
