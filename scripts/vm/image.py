"""What the virtual machine boots from: a kernel out of Debian's archive, and an initramfs made for it."""

from __future__ import annotations

import gzip
import lzma
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MODULES = (
    # In the order in which they need each other; those that a kernel does not have are built into it.
    *("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"),
    *("netfs", "fscache", "9pnet", "9pnet_virtio", "9p"),
)


class UnavailableError(Exception):
    """A package cannot be had."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel and its modules, unpacked."""

    directory: Path

    @property
    def image(self) -> Path:
        """What the machine's firmware loads."""
        return self.directory / "vmlinuz"

    @property
    def modules(self) -> list[Path]:
        """Those that the machine needs, in the order of loading."""
        found = [self.directory / f"{name}.ko" for name in MODULES]
        return [path for path in found if path.exists()]


def kernel(package: str, cache: Path) -> Kernel:
    """A kernel by its Debian package, downloaded unless an earlier run has done so."""
    cache.mkdir(parents=True, exist_ok=True)
    directory = cache / package
    if not (directory / "vmlinuz").exists():
        _unpack_kernel(_download(_concrete(package), cache), directory)
    busybox = cache / "busybox"
    if not busybox.exists():
        _unpack_busybox(_download("busybox-static", cache), busybox)
    return Kernel(directory)


def _concrete(package: str) -> str:
    """The kernel that a package like linux-image-amd64 stands for."""
    listed = subprocess.run(["apt-cache", "depends", package], capture_output=True, text=True, check=False).stdout
    found = re.search(r"Depends: (linux-image-\d\S+)", listed)
    return found[1] if found else package


def _download(package: str, cache: Path) -> Path:
    print(f"vm-test: downloading the Debian package {package}", flush=True)
    directory = cache / "download"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    command = ["apt-get", "download", "-q", package]
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise UnavailableError("kernels come from Debian's archive, and there is no apt-get here") from None
    archive = next(directory.glob("*.deb"), None)
    if done.returncode or archive is None:
        raise UnavailableError(f"cannot download {package}: {done.stderr.strip().rpartition(chr(10))[2]}")
    return archive


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of a package's files, read as they come: only a few of thousands are wanted."""
    command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as unpacking,
        tarfile.open(fileobj=unpacking.stdout, mode="r|") as tar,
    ):
        for member in tar:
            if member.isfile() and _is_wanted(path := Path(member.name)):
                content = tar.extractfile(member)
                assert content
                yield path.name, content.read()


def _is_wanted(path: Path) -> bool:
    program = path.parent.name in ("bin", "boot") and path.name.startswith(("busybox", "vmlinuz-"))
    return program or path.name.split(".ko")[0] in MODULES


def _unpack_kernel(archive: Path, directory: Path) -> None:
    new = directory.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    for name, content in _members(archive):
        if name.endswith(".ko.xz"):
            (new / name.removesuffix(".xz")).write_bytes(lzma.decompress(content))
        else:
            (new / ("vmlinuz" if name.startswith("vmlinuz-") else name)).write_bytes(content)
    archive.unlink()
    if not (new / "vmlinuz").exists():
        raise UnavailableError(f"there is no kernel in {archive.name}")
    new.rename(directory)


def _unpack_busybox(archive: Path, busybox: Path) -> None:
    for _, content in _members(archive):
        busybox.write_bytes(content)
    archive.unlink()


# --- the initramfs ---


def initramfs(kernel: Kernel, checkout: Path, job: Mapping[str, bytes]) -> bytes:
    """An initramfs that makes the host's files the root and carries the job."""
    files = {
        "init": (checkout / "scripts/vm/guest-init").read_bytes(),
        "bin/busybox": (kernel.directory.parent / "busybox").read_bytes(),
        "checkout-path": f"{checkout}\n".encode(),
        "modules/order": "".join(f"{path.name}\n" for path in kernel.modules).encode(),
        **{f"modules/{path.name}": path.read_bytes() for path in kernel.modules},
        **{f"job/{name}": content for name, content in job.items()},
    }
    return gzip.compress(b"".join(_entries(files)), compresslevel=1)


def _entries(files: Mapping[str, bytes]) -> Iterator[bytes]:
    """A cpio archive of the kind that kernels unpack (kernel documentation, early-userspace/buffer-format)."""
    directories = sorted({str(parent) for name in files for parent in Path(name).parents} - {"."})
    # The kernel opens the console for PID 1 before anything is mounted.
    yield _entry("dev", 0o40755, b"")
    yield _entry("dev/console", 0o20600, b"", device=(5, 1))
    for number, directory in enumerate(directories):
        yield _entry(directory, 0o40755, b"", number)
    for number, (name, content) in enumerate(files.items()):
        yield _entry(name, 0o100755, content, number)
    yield _entry("TRAILER!!!", 0, b"")


def _entry(name: str, mode: int, content: bytes, inode: int = 0, device: tuple[int, int] = (0, 0)) -> bytes:
    encoded = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return _padded(head) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
