"""Certificates for the lab and for tests, made by openssl; they are good for 30 days."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Authority:
    """Signs certificates; all are files in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._made = 0
        self.file = str(folder / "ca.crt")
        self._openssl("req", "-x509", "-subj", "/CN=lab authority", "-out", "ca.crt", *self._key("ca.key"))

    def server(self, *addresses: str) -> tuple[str, str, str]:
        """The authority's file, a server's certificate and its key."""
        names = ",".join(f"IP:{address}" for address in addresses)
        return (self.file, *self._sign("server", f"subjectAltName={names}"))

    def client(self, name: str) -> tuple[str, str]:
        """A client's certificate and its key."""
        return self._sign(name, "extendedKeyUsage=clientAuth")

    def _key(self, name: str) -> tuple[str, ...]:
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", name, "-days", "30"

    def _sign(self, name: str, extension: str) -> tuple[str, str]:
        self._made += 1
        cert, key = f"{self._made}.crt", f"{self._made}.key"
        signed_by = ("-CA", "ca.crt", "-CAkey", "ca.key", "-addext", extension)
        self._openssl("req", "-x509", "-subj", f"/CN={name}", "-out", cert, *signed_by, *self._key(key))
        return str(self.folder / cert), str(self.folder / key)

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(("openssl", *arguments), check=True, cwd=self.folder, capture_output=True, timeout=30)
