"""Bulk transfers between two hosts."""

from __future__ import annotations

import hashlib
import random
import socket
import threading

from tests.hosts import Host

DATA = random.Random(3).randbytes(1 << 20)


def transfer(sender: Host, receiver: Host, address: str, megabytes: int = 8, port: int = 5001) -> None:
    """Send so much by TCP and see that the same arrives."""
    listener = receiver.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", port))
    listener.listen()
    digests: list[str] = []

    def receive() -> None:
        digest = hashlib.sha256()
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(20)
            while data := connection.recv(1 << 18):
                digest.update(data)
        digests.append(digest.hexdigest())

    thread = threading.Thread(target=receive)
    thread.start()
    client = sender.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(20)
    expected = hashlib.sha256()
    try:
        client.connect((address, port))
        for _ in range(megabytes):
            client.sendall(DATA)
            expected.update(DATA)
    finally:
        client.close()
        thread.join(25)
        listener.close()
    assert digests == [expected.hexdigest()]


def echo_datagram(sender: Host, receiver: Host, address: str, length: int, port: int = 5002) -> None:
    """Send a datagram there and back."""
    server = receiver.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("0.0.0.0", port))
    client = sender.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with server, client:
        client.sendto(DATA[:length], (address, port))
        data, peer = server.recvfrom(65536)
        assert data == DATA[:length]
        server.sendto(data, peer)
        assert client.recv(65536) == DATA[:length]
