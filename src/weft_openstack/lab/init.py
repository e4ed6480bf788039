"""The first process of a node: gives the node's namespaces what every machine has, then waits. Its end is the node's.

``python -m weft_openstack.lab.init NAME FOLDER``, as process 1 of namespaces that ``unshare`` made. Says ``ready``. The
folder tells apart whose node it is.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

SET_UP = (
    ("mount", "-t", "tmpfs", "-o", "mode=755", "none", "/run"),  # sockets, and the network namespaces made in here
    ("mkdir", "/run/netns"),
    ("mount", "-t", "sysfs", "none", "/sys"),  # shows this node's network devices
    ("ip", "link", "set", "lo", "up"),
)


def main(name: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries whose parents are gone
    socket.sethostname(name)
    for command in SET_UP:
        subprocess.call(command)
    print("ready", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
