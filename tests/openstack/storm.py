"""Ports that come, change and go without a pause, while all that they depend on is killed in turn."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from weft_openstack.lab.process import Process
from weft_openstack.lab.services import Neutron


@contextmanager
def storm(neutron: Neutron, make: Callable[[random.Random], str], clients: int = 2) -> Iterator[None]:
    """Let clients ask Neutron for as long as this is entered. `make` makes a port and gives its number."""
    stop = threading.Event()

    def client(seed: int) -> None:
        chosen, ports = random.Random(seed), list[str]()
        while not stop.is_set():
            try:
                kind = chosen.random()
                if kind < 0.5 or not ports:
                    ports.append(make(chosen))
                elif kind < 0.75:
                    neutron.update("port", chosen.choice(ports), admin_state_up=chosen.random() < 0.8, name=str(kind))
                else:
                    neutron.delete("port", ports.pop(chosen.randrange(len(ports))))
            except (RuntimeError, OSError):
                time.sleep(0.2)  # what is asked for while something is dead may fail

    threads = [threading.Thread(target=client, args=[seed]) for seed in range(clients)]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        stop.set()
        for each in threads:
            each.join(90)


def kill_each(victims: Sequence[Process], seed: int) -> None:
    """Kill all in turn, as a power cut would, and start them again; in which order and when is chosen at random."""
    choose, victims = random.Random(seed), list(victims)
    choose.shuffle(victims)
    for victim in victims:
        time.sleep(choose.uniform(0.5, 2.0))
        victim.kill()
        time.sleep(choose.uniform(0.0, 1.0))
        victim.start()
    time.sleep(2)
