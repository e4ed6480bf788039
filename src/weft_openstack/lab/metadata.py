"""Nova's metadata service, as small as can be: tells each virtual machine who it is, if Neutron vouches for it.

``python -m weft_openstack.lab.metadata ADDRESS PORT SECRETFILE``
"""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import sys
from collections.abc import Callable
from pathlib import Path

#: path -> what is there, of an instance's id
PAGES: dict[str, Callable[[str], str]] = {
    "/latest/meta-data/instance-id": lambda instance: instance,
    "/latest/meta-data/": lambda _: "instance-id",
    "/openstack/latest/meta_data.json": lambda instance: json.dumps({"uuid": instance, "name": instance}),
}


def signature(secret: str, instance: str) -> str:
    """What Neutron's metadata agent signs with (X-Instance-ID-Signature): HMAC-SHA256 of the instance's id."""
    return hmac.new(secret.encode(), instance.encode(), hashlib.sha256).hexdigest()


def answer(path: str, instance: str, signed: str, secret: str) -> tuple[int, str]:
    """The status and the body that a request gets."""
    if not instance or not hmac.compare_digest(signed, signature(secret, instance)):
        return 403, "the metadata agent's signature is wrong\n"
    page = PAGES.get(path)
    return (404, f"there is no {path}\n") if page is None else (200, page(instance))


def main(address: str, port: str, secret_file: str) -> None:
    secret = Path(secret_file).read_text().strip()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers
            status, text = answer(
                self.path, given.get("X-Instance-ID", ""), given.get("X-Instance-ID-Signature", ""), secret
            )
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    http.server.ThreadingHTTPServer((address, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
