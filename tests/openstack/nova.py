"""The part of Nova that hears of ports: its API's os-server-external-events."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Nova:
    """What it heard."""

    url: str
    events: list[dict[str, Any]] = field(default_factory=list)

    @staticmethod
    @contextmanager
    def listening() -> Iterator[Nova]:
        """One that listens on a free port."""

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                heard = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["events"]
                nova.events += heard
                body = json.dumps({"events": [event | {"code": 200} for event in heard]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            nova = Nova(f"http://127.0.0.1:{server.server_address[1]}")
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield nova
            finally:
                server.shutdown()
                thread.join()

    def plugged(self, port: str) -> int:
        """How often it heard that a port forwards."""
        return sum((each["name"], each["tag"]) == ("network-vif-plugged", port) for each in self.events)
