"""Front ends for tests, and the interface that they meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conftest import Lab
from tests.vhost_user.frontend import FrontEnd

NAME = "VirtualEthernet0/0/0"


@pytest.fixture
def front_end(lab: Lab, tmp_path: Path) -> Iterator[Callable[..., FrontEnd]]:
    """Makes front ends of VirtualEthernet0/0/0, which is up and cross-connected with pg0; ``options`` are those of
    ``create vhost-user``.
    """
    made: list[FrontEnd] = []

    def make(options: str = "", **how: int) -> FrontEnd:
        if not made:
            lab.pg(1)
            lab.cli(f"""
                create vhost-user socket {tmp_path}/vm.sock server {options}
                set interface state {NAME} up
                set interface l2 xconnect {NAME} pg0
                set interface l2 xconnect pg0 {NAME}
            """)
        made.append(FrontEnd(lab, tmp_path / "vm.sock", **how))
        return made[-1]

    yield make
    for each in made:
        each.close()
