"""Scrapers that hang, flood and talk nonsense: they get an error or nothing, the others get their metrics."""

from __future__ import annotations

import gzip
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.conftest import Lab
from tests.stats.conftest import serving
from vpp_papi.vpp_stats import recv_fd

from weft import Engine
from weft.exporter import message, server

from .conftest import Measured, Served, exporting, parsed


@pytest.fixture(scope="module")
def measured() -> Iterator[Measured]:
    """One for all that only needs a page."""
    with Engine(workers=0, interpret=False) as engine, serving(engine) as path, exporting(path) as served:
        yield Measured(Lab(engine), path, served)


def dial(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.port), timeout=10)


def said(served: Served, data: bytes) -> bytes:
    """What the exporter answers to these bytes, until it closes."""
    with dial(served) as client:
        client.sendall(data)
        received = b""
        while part := client.recv(65536):
            received += part
        return received


@pytest.mark.parametrize(
    "data, status",
    [
        (b"\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET /metrics\r\n\r\n", 400),
        (b"GET /metrics SMTP\r\n\r\n", 400),
        (b"\x00\xff\xfe" * 50 + b"\r\n\r\n", 400),
        (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n", 400),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 405),
        (b"GET /etc/passwd HTTP/1.1\r\n\r\n", 404),
        (b"GET /metrics?x=1 HTTP/1.0\r\n\r\n", 200),
        (b"GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text; version=banana\r\n\r\n", 200),
        (b"HEAD / HTTP/1.1\r\n\r\n", 200),
    ],
)
def test_a_request_gets_its_status(measured: Measured, data: bytes, status: int) -> None:
    assert said(measured.served, data).split(b" ")[1] == str(status).encode()


def test_head_has_no_body(measured: Measured) -> None:
    head, _, body = said(measured.served, b"HEAD /metrics HTTP/1.1\r\n\r\n").partition(b"\r\n\r\n")
    assert body == b"" and int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]) > 1000


def test_a_compressed_page_is_the_same(measured: Measured) -> None:
    reply = measured.served.get(accept_encoding="gzip")
    assert reply.headers["content-encoding"] == "gzip"
    names = {sample.name for sample in parsed(gzip.decompress(reply.body).decode())}
    assert names == {sample.name for sample in measured.served.samples()}


class TestPatience:
    def test_who_says_nothing_is_sent_away(self, measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server, "REQUEST_SECONDS", 0.3)
        with dial(measured.served) as silent:
            assert silent.recv(1) == b""

    def test_who_drips_is_sent_away(self, measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server, "REQUEST_SECONDS", 0.5)
        with dial(measured.served) as slow, pytest.raises(ConnectionError):
            for _ in range(200):
                slow.sendall(b"x")
                time.sleep(0.05)

    def test_who_does_not_take_the_answer_is_sent_away(
        self, measured: Measured, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The answer is larger than all buffers between the two."""
        monkeypatch.setattr(server, "ANSWER_SECONDS", 0.3)
        monkeypatch.setattr(server, "HOME", b"x" * (32 << 20))
        with dial(measured.served) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            time.sleep(0.8)
            received = 0
            with pytest.raises(ConnectionError):
                while part := client.recv(1 << 20):
                    received += len(part)
                raise ConnectionError("it was closed in the middle")
            assert received < 32 << 20

    def test_some_that_hang_keep_none_from_his_metrics(self, measured: Measured) -> None:
        with ExitStack() as crowd:
            for _ in range(20):
                crowd.enter_context(dial(measured.served)).sendall(b"GET /met")
            assert measured.served.value("vpp_up") == 1


class TestFlood:
    def test_no_more_than_so_many_are_served_at_once(self, measured: Measured) -> None:
        with exporting(measured.socket, max_clients=4) as served:
            with ExitStack() as crowd:
                for _ in range(4):
                    crowd.enter_context(dial(served)).sendall(b"GET ")
                time.sleep(0.2)
                assert served.get().status == 503
            time.sleep(0.2)
            assert served.get().status == 200

    def test_a_thousand_requests_use_no_more_threads(self, measured: Measured) -> None:
        before = threading.active_count()
        with ThreadPoolExecutor(16) as crowd:
            replies = list(crowd.map(lambda _: measured.served.get().status, range(300)))
            during = threading.active_count()
        assert set(replies) <= {200, 503} and 200 in replies
        assert during <= before + 16 + 1  # the scrapers' own, and one that reads

    def test_the_forwarder_is_asked_once_however_many_scrape(self, measured: Measured) -> None:
        with relay(measured.socket) as (path, asked):
            with exporting(path, max_age=60) as served, ThreadPoolExecutor(8) as crowd:
                assert set(crowd.map(lambda _: served.get().status, range(50))) == {200}
            assert len(asked) == 1


@contextmanager
def relay(path: str) -> Iterator[tuple[str, list[float]]]:
    """A statistics socket in front of another; when it was asked."""
    asked: list[float] = []
    place = Path(path).with_name("relay.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(place))
        listener.listen()

        def run() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                asked.append(time.monotonic())
                with client, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
                    other.connect(path)
                    segment = recv_fd(other)
                    socket.send_fds(client, [b""], [segment])
                    os.close(segment)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield str(place), asked
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            place.unlink()


def test_a_page_is_sent_in_pieces(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = measured.served.get("/").body
    monkeypatch.setattr(message, "CHUNK", 7)
    assert measured.served.get("/").body == whole
