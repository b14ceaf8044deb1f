"""Zip archives, unpacked: bounded in number, size and ratio, and only plain files and directories under plain names."""

from __future__ import annotations

import errno
import io
import os
import stat
import zipfile
import zlib
from pathlib import Path

from sandbox.files import MAX_DEPTH
from sandbox.judge.package.findings import Findings
from sandbox.judge.package.tree import MAX_ENTRIES, TIME_LIMIT

MAX_SIZE = 4 << 30
"""Bytes of all files together."""
MAX_RATIO = 200
"""Bytes of all files together for each byte of the archive."""
_FREE = 256 << 20
"""Bytes up to which the ratio does not matter."""
_MAX_DIRECTORY = 64 << 20
"""Bytes that the archive's table of contents may take, which is held in memory."""
_UTF8, _ENCRYPTED = 0x800, 0x1
_CHUNK = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, EOFError, ValueError)


def unpack(path: Path, target: Path, findings: Findings) -> Path:
    """Unpack an archive into an empty directory; where its package is: there, or in its only directory.

    Every entry is checked before the first is written, and again while it is written: sizes in the table of contents
    may be lies.
    """
    entries: dict[str, zipfile.ZipInfo] = {}
    try:
        with _Source(io.FileIO(path)) as source, zipfile.ZipFile(source) as archive:
            entries = _checked(archive.infolist(), os.fstat(source.fileno()).st_size, findings)
            if not findings.failed:
                _write(archive, entries, target, findings)
    except _BROKEN as error:
        findings.error(".", "zip", f"{path.name} is not a zip archive that can be read: {error}")
    except OSError as error:
        findings.error(".", "zip", f"{path.name} cannot be unpacked: {error.strerror or error}")
    tops = {name.partition("/")[0] for name in entries}
    only = target / tops.pop() if len(tops) == 1 else target
    return only if only.is_dir() and only.name != "data" else target


class _Source(io.BufferedReader):
    """The archive, of which zipfile reads the table of contents in one piece, as long as that says it is."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_DIRECTORY:
            raise zipfile.BadZipFile("its table of contents is too large")
        return super().read(size)


def _checked(infos: list[zipfile.ZipInfo], size: int, findings: Findings) -> dict[str, zipfile.ZipInfo]:
    """The entries to unpack, by name; errors about those that are not to be trusted. `size` is the archive's."""
    if len(infos) > MAX_ENTRIES:
        findings.error(".", "zip", f"has more than {MAX_ENTRIES} entries")
        return {}
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        # As it is in the archive: zipfile cuts names at a NUL.
        name = info.orig_filename.removesuffix("/")
        reason = _objection(name, info)
        if reason:
            findings.error(_shown(name), "zip", reason)
        elif name in entries:
            findings.error(_shown(name), "zip", "is in the archive twice")
        elif not _is_ignored(name):
            entries[name] = info
    _check_directories(entries, findings)
    total = sum(info.file_size for info in entries.values())
    if total > MAX_SIZE:
        findings.error(".", "zip", f"unpacks to more than {MAX_SIZE >> 30} GiB")
    elif total > _FREE and total > MAX_RATIO * size:
        findings.error(".", "zip", f"unpacks to more than {MAX_RATIO} times its size")
    return entries


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name[:200]) or "."


def _check_directories(entries: dict[str, zipfile.ZipInfo], findings: Findings) -> None:
    """That nothing is in what is a file."""
    seen: set[str] = set()
    for name in entries:
        above = name.rpartition("/")[0]
        while above and above not in seen:
            seen.add(above)
            if above in entries and not entries[above].is_dir():
                findings.error(name, "zip", f"is in {above}, which is a file")
            above = above.rpartition("/")[0]


def _objection(name: str, info: zipfile.ZipInfo) -> str:
    """What is wrong with an entry, if anything is."""
    parts = name.split("/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    reasons = {
        "has no name": not name,
        "has a name with a NUL byte": "\0" in name,
        "has a name with a backslash": "\\" in name,
        "has an absolute name": name.startswith("/") or (len(name) > 1 and name[1] == ":"),
        "has a name that leads elsewhere": bool({"", ".", ".."} & set(parts)),
        "has a name that is not UTF-8": not info.flag_bits & _UTF8 and not name.isascii(),
        "has a name that is not printable": not name.isprintable(),
        "has a name that is too long": len(os.fsencode(name)) > 4000 or any(len(os.fsencode(p)) > 255 for p in parts),
        f"is more than {MAX_DEPTH} directories deep": len(parts) > MAX_DEPTH,
        "is encrypted": bool(info.flag_bits & _ENCRYPTED),
        "is a link; links in archives are not read": kind == stat.S_IFLNK,
        "is neither a file nor a directory": kind not in (0, stat.S_IFLNK, stat.S_IFREG, stat.S_IFDIR),
        "is compressed in a way that is not read": info.compress_type not in _METHODS,
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _is_ignored(name: str) -> bool:
    """Whether it would be ignored anyway: what other systems leave in archives, and hidden files."""
    *above, last = name.split("/")
    return any(part.startswith(".") or part == "__MACOSX" for part in above) or (
        last == "__MACOSX" or (last.startswith(".") and (last != TIME_LIMIT or len(above) > 1))
    )


def _write(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], target: Path, findings: Findings) -> None:
    made: set[str] = set()
    left = MAX_SIZE
    for name, info in entries.items():
        directory = name if info.is_dir() else name.rpartition("/")[0]
        if directory and directory not in made:
            os.makedirs(target / directory, mode=0o700, exist_ok=True)
            made.add(directory)
        if info.is_dir():
            continue
        try:
            left -= _write_one(archive, info, target / name, min(left, info.file_size))
        except _BROKEN as error:
            findings.error(name, "zip", f"is damaged: {error}")
            return
        except OSError as error:
            if error.errno != errno.EFBIG:
                raise
            findings.error(name, "zip", "unpacks to more than the archive says, or than is allowed")
            return


def _write_one(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, limit: int) -> int:
    """The bytes that were written; no more than `limit`. Programs stay executable."""
    mode = 0o700 if info.external_attr >> 16 & 0o111 else 0o600
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    written = 0
    with open(fd, "wb") as file, archive.open(info) as source:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > limit:
                raise OSError(errno.EFBIG, "too large")
            file.write(chunk)
    return written
