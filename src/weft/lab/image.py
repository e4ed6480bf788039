"""What a small virtual machine boots: Debian's cloud kernel, taken out of its package, and a busybox as its user space.

``python -m weft.lab.image`` makes it, if it is not there yet, and prints where it is.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KERNEL_PACKAGE = "linux-image-cloud-amd64"
BUSYBOX = Path("/usr/bin/busybox")
#: The guest's network card, and VLANs on it. What they need is loaded before them.
MODULES = ("virtio_pci", "virtio_net", "8021q")

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in {modules}; do insmod /modules/$module.ko; done
stty -echo
export PS1=
echo GUEST-READY
while true; do setsid -c sh < /dev/ttyS0 > /dev/ttyS0 2>&1; done
"""


class ImageError(Exception):
    """The image cannot be made; the message says what is missing."""


@dataclass(frozen=True)
class Image:
    kernel: Path
    initrd: Path


def image() -> Image:
    """The image, made if it is not there yet. Raises ImageError."""
    home = Path(
        os.environ.get("WEFT_GUEST") or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "weft-guest"
    )
    version = zlib.crc32(repr((INIT, MODULES)).encode())
    made = Image(home / "vmlinuz", home / f"initrd-{version:08x}.gz")
    if not (made.kernel.exists() and made.initrd.exists()):
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as folder:
            _make(Path(folder), made)
    return made


def _make(folder: Path, made: Image) -> None:
    if not BUSYBOX.exists():
        raise ImageError("the guest needs busybox: apt-get install busybox-static")
    _unpack_kernel(folder)
    modules = {path.stem: path for path in folder.glob("lib/modules/**/*.ko")}
    order: list[str] = []
    for name in MODULES:
        _with_what_it_needs(name, modules, order)
    files = {
        "init": (0o755, INIT.format(modules=" ".join(order)).encode()),
        "bin/busybox": (0o755, BUSYBOX.read_bytes()),
    }
    files |= {f"modules/{name}.ko": (0o644, modules[name].read_bytes()) for name in order}
    archive = b"".join(_cpio(files))
    temporary = folder / "initrd.gz"
    temporary.write_bytes(gzip.compress(archive, 1))
    [kernel] = folder.glob("boot/vmlinuz-*")
    shutil.move(kernel, made.kernel)
    shutil.move(temporary, made.initrd)


def _unpack_kernel(folder: Path) -> None:
    """Fetch the kernel's package, and take its files out of it; it is not installed."""
    try:
        try:
            _download(folder)
        except (IndexError, subprocess.CalledProcessError):
            if os.geteuid() != 0:
                raise
            _run("apt-get", "-qq", "update", folder=folder)  # its lists are old, or not there
            _download(folder)
        [package] = folder.glob("*.deb")
        _run("dpkg-deb", "-x", str(package), ".", folder=folder)
    except (OSError, IndexError, ValueError, subprocess.CalledProcessError) as error:
        why = (getattr(error, "stderr", None) or str(error)).strip()
        raise ImageError(f"the guest's kernel cannot be fetched from Debian: {why}") from error


def _download(folder: Path) -> None:
    depends = _run("apt-cache", "depends", KERNEL_PACKAGE, folder=folder)
    names = re.findall(r"Depends: (linux-image-\S+-cloud-amd64)\b", depends)
    _run("apt-get", "-qq", "download", names[-1], folder=folder)


def _run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=300)
    return done.stdout


def _with_what_it_needs(name: str, modules: dict[str, Path], order: list[str]) -> None:
    """Put a module behind those that it depends on, which it names itself."""
    if name in order:
        return
    if name not in modules:
        raise ImageError(f"Debian's kernel has no module {name}")
    found = re.search(rb"\0depends=([^\0]*)\0", modules[name].read_bytes())
    for each in found[1].decode().split(",") if found and found[1] else ():
        _with_what_it_needs(each.replace("-", "_"), modules, order)
    order.append(name)


FOLDERS = ("bin", "dev", "modules", "proc", "sys", "tmp")


def _cpio(files: dict[str, tuple[int, bytes]]) -> Iterator[bytes]:
    """An archive as the kernel takes it (``newc``, initramfs-buffer-format.rst)."""
    entries = [(name, 0o040755, b"") for name in FOLDERS]
    entries += [(name, 0o100000 | mode, data) for name, (mode, data) in files.items()]
    entries.append(("TRAILER!!!", 0, b""))
    for number, (name, mode, data) in enumerate(entries, 1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        yield head.ljust(-(-len(head) // 4) * 4, b"\0")
        yield data.ljust(-(-len(data) // 4) * 4, b"\0")


if __name__ == "__main__":
    made = image()
    print(made.kernel, made.initrd)
