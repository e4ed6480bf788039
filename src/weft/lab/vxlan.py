"""``make lab-vxlan``: three engines that VXLAN joins, and all their hosts pinging one another."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from weft.lab.engine import LabEngine, LabError, console, ping, step
from weft.lab.overlay import SEGMENTS, SITES, UNDERLAY_MTU, Host, Overlay, vtep_address

TTL = 64  #: of what hosts send
#: A packet is dropped where a neighbor has to be asked for first, as in VPP: that may be at two BVIs.
TRIES = 5
BUFFERS = 4096  #: of each engine: little memory is enough here


@dataclass(frozen=True)
class Reached:
    """What a host has heard from the others."""

    host: Host
    layer_2: int = 0
    layer_3: int = 0
    gateways: int = 0


@dataclass(frozen=True)
class Lab:
    """The lab; the names of its namespaces begin with ``prefix``, its files are in ``folder``."""

    prefix: str
    folder: Path

    @cached_property
    def overlay(self) -> Overlay:
        return Overlay(self.prefix)

    @cached_property
    def engines(self) -> dict[int, LabEngine]:
        """By site."""
        return {site: self._engine(site) for site in SITES}

    def _engine(self, site: int) -> LabEngine:
        folder = self.folder / f"vtep{site}"
        return LabEngine(
            folder,
            "engine",
            folder / "cli.sock",
            folder / "listing.cli",
            self.overlay.vtep(site),
            stanzas=f"cpu {{ workers 1 }} buffers {{ buffers-per-numa {BUFFERS} }}",
            unix=f"runtime-dir {folder}",
        )

    def up(self) -> None:
        """Build it, and show that it works. Raises LabError."""
        self.down()
        step("Three sites, each an engine and three hosts in network namespaces, on a routed underlay")
        self.overlay.build()
        for host in self.overlay.hosts:
            segment = host.segment
            console.print(
                f"  {host.namespace:<12} {host.address:<13} {segment.name:<4} VNI {segment.vni}, gateway {host.gateway}"
            )
        step("The engines")
        # The first may have to compile, for all of them.
        self._start(SITES[0])
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._start, SITES[1:]))
        step("Pings from every host to every other: in its segment at layer 2, into the other by its site's BVI")
        for reached in self.ping_all():
            console.print(
                f"  {reached.host.namespace:<12} → {reached.layer_2} hosts at layer 2, {reached.layer_3} at layer 3, "
                f"{reached.gateways} BVIs"
            )
        step("The tunnels of the first site")
        console.print(self.engines[1].ctl("show", "vxlan", "tunnel").strip(), markup=False)
        console.print(self._afterwards())

    def _start(self, site: int) -> None:
        engine = self.engines[site]
        engine.folder.mkdir(parents=True, exist_ok=True)
        engine.listing.write_text(self.overlay.listing(site))
        seconds = engine.start()
        console.print(f"  {self.overlay.vtep(site)} {vtep_address(site)}: ready after {seconds:.1f} s")

    def ping_all(self) -> list[Reached]:
        """Let every host ping every other and all BVIs. Raises LabError where an answer does not come, or comes from
        too near or too far.
        """
        with ThreadPoolExecutor(len(self.overlay.hosts)) as pool:
            return list(pool.map(self._ping_from, self.overlay.hosts))

    def _ping_from(self, host: Host) -> Reached:
        counts = {TTL: 0, TTL - 1: 0}
        for other in self.overlay.hosts:
            if other is not host:
                # A site routes what its hosts send to the other segment, and the other site the answer.
                expected = TTL if other.segment is host.segment else TTL - 1
                self._try(host, other.address, expected)
                counts[expected] += 1
        gateways = [segment.gateway(site) for segment in SEGMENTS for site in SITES]
        for gateway in gateways:
            self._try(host, gateway)
        return Reached(host, counts[TTL], counts[TTL - 1], len(gateways))

    def _try(self, host: Host, target: str, ttl: int | None = None) -> None:
        for _ in range(TRIES):
            pinged = ping(host.namespace, target, 1, wait=1)
            if pinged.answered:
                break
        else:
            raise LabError(f"{host.namespace} cannot reach {target}: {pinged.summary}")
        if ttl is not None and pinged.ttls != {ttl}:
            raise LabError(f"{target} answers {host.namespace} with TTL {set(pinged.ttls)} instead of {ttl}")

    def down(self) -> list[str]:
        """End what is left of it, and remove its files; what has ended."""
        with ThreadPoolExecutor() as pool:
            stopped = list(pool.map(LabEngine.stop, self.engines.values()))
        shutil.rmtree(self.folder, ignore_errors=True)
        return [*(each for gone in stopped for each in gone), *self.overlay.remove()]

    def _afterwards(self) -> str:
        first = self.overlay.hosts[0]
        engines = "".join(
            f"  the engine in {self.overlay.vtep(site)}, process {engine.pid}, its command line at {engine.cli},\n"
            f"    its configuration in {engine.listing}, its log in {engine.log}\n"
            for site, engine in self.engines.items()
        )
        return (
            f"\n[bold]Left running[/bold]\n{engines}"
            f"  the hosts, in network namespaces: {', '.join(host.namespace for host in self.overlay.hosts)}\n"
            f"  the underlay's router in {self.overlay.underlay}, with an MTU of {UNDERLAY_MTU}\n"
            f"\n[bold]Look at it[/bold]\n"
            f"  .venv/bin/weftctl -s {self.engines[1].cli} show vxlan tunnel\n"
            f"  .venv/bin/weftctl -s {self.engines[1].cli} show bridge-domain 1 detail\n"
            f"  .venv/bin/weftctl -s {self.engines[1].cli} show l2fib verbose\n"
            f"  ip netns exec {first.namespace} ping {self.overlay.hosts[-1].address}\n"
            f"\n[bold]Stop it[/bold]\n  make lab-vxlan-down\n"
        )
