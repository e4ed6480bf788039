"""DPDK's testpmd as a front end (net_virtio_user): two ports of it, cross-connected by the engine, forward to each
other what they receive.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.switch import Switch, wait

from weft.features.interface.model import Interfaces, rx, tx

NAMES = ("VirtualEthernet0/0/0", "VirtualEthernet0/0/1")
ENOUGH = 3000  #: packets: each ring has gone round many times


def start_testpmd(paths: list[Path], device: str, queues: int) -> subprocess.Popen[bytes]:
    """Interactive: what it forwards begins with a command."""
    vdevs = [
        f"--vdev=net_virtio_user{n},path={path},queues={queues},queue_size=256,{device}" for n, path in enumerate(paths)
    ]
    memory = ["--no-huge", "-m", "256", "--no-pci", f"--file-prefix=weft{os.getpid()}"]
    ports = ["-i", f"--rxq={queues}", f"--txq={queues}", "--nb-cores=1", "--total-num-mbufs=4096", "--no-mlockall"]
    return subprocess.Popen(
        ["dpdk-testpmd", *memory, "-l", "0,1", *vdevs, "--", *ports],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.mark.skipif(shutil.which("dpdk-testpmd") is None, reason="needs Debian's dpdk-dev")
@pytest.mark.parametrize("server", [True, False], ids=["server", "client"])
@pytest.mark.parametrize(
    ("options", "device", "queues"),
    [
        ("", "packed_vq=0,mrg_rxbuf=1", 1),
        ("", "packed_vq=0,mrg_rxbuf=0", 2),
        ("packed", "packed_vq=1,mrg_rxbuf=1", 2),
        ("packed", "packed_vq=1,mrg_rxbuf=0", 1),
    ],
    ids=["split", "split, 2 queues, not mergeable", "packed, 2 queues", "packed, not mergeable"],
)
def test_testpmd(switch: Switch, tmp_path: Path, server: bool, options: str, device: str, queues: int) -> None:
    paths = [tmp_path / "a.sock", tmp_path / "b.sock"]
    for name, path in zip(NAMES, paths, strict=True):
        switch.cli(f"""
            create vhost-user socket {path} {"server" if server else ""} {options}
            set interface state {name} up
        """)
    switch.cli("set interface l2 xconnect {0} {1}\nset interface l2 xconnect {1} {0}".format(*NAMES))
    interfaces = [switch.engine[Interfaces][name] for name in NAMES]
    testpmd = start_testpmd(paths, device if server else device + ",server=1", queues)
    assert testpmd.stdin is not None
    try:
        wait(lambda: all(each.link_up for each in interfaces), 30)
        testpmd.stdin.write(b"start tx_first 4\n")
        testpmd.stdin.flush()
        wait(lambda: all(each.read(i.sw_if_index)[0] > ENOUGH for each in (rx, tx) for i in interfaces), 30)
        testpmd.stdin.write(b"stop\nquit\n")
        output, _ = testpmd.communicate(timeout=30)
        assert b"Bye" in output
    finally:
        testpmd.kill()
        testpmd.wait()
    wait(lambda: not any(each.link_up for each in interfaces))
