"""``python -m bench.openstack [host|neutron|fleet]``: figures of the OpenStack part; all of them, if none is named.

``neutron`` needs an environment that Neutron is installed in (``make bench-openstack``).
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from weft_openstack.lab.process import NotReady


def _host(given: argparse.Namespace, folder: Path) -> None:
    from bench.openstack import host

    host.run(given.ports, given.networks, given.singles, folder)


def _neutron(given: argparse.Namespace, folder: Path) -> None:
    from bench.openstack import neutron

    neutron.run(given.beside, given.singles, folder)


def _fleet(given: argparse.Namespace, folder: Path) -> None:
    from bench.openstack import fleet

    fleet.run(given.agents, given.fleet_ports, given.seconds, folder, given.within)


PARTS: dict[str, Callable[[argparse.Namespace, Path], None]] = {"fleet": _fleet, "host": _host, "neutron": _neutron}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.openstack")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="host|neutron|fleet")
    parser.add_argument("--ports", type=int, default=1000, help="host: ports that are programmed at once")
    parser.add_argument("--networks", type=int, default=50, help="host: how many networks they are on")
    parser.add_argument("--singles", type=int, default=20, help="host, neutron: ports that come one by one")
    parser.add_argument("--beside", type=int, default=500, help="neutron: ports that are there already, once")
    parser.add_argument("--agents", type=int, default=200, help="fleet: agents")
    parser.add_argument("--fleet-ports", type=int, default=10_000, help="fleet: ports in all")
    parser.add_argument("--seconds", type=float, default=20, help="fleet: how long ports change")
    parser.add_argument("--within", type=float, default=600, help="fleet: seconds after which it is given up")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped
    for part in given.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="weft-bench-") as name:
            try:
                PARTS[part](given, Path(name))
            except (NotReady, subprocess.SubprocessError) as error:
                sys.exit(f"{part}: {error}")


if __name__ == "__main__":
    main()
