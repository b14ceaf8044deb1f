"""Zip archives, unpacked: bounded in number, size and ratio, and only files, directories and links that stay inside.

Archives are made by everybody's tools. What a name is say its bytes: UTF-8 if they are that, whatever the flag says;
else those of the first PCs. DOS's separators are slashes, and what other systems leave in archives is not there.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.files import MAX_DEPTH
from sandbox.judge.package import tree
from sandbox.judge.package.findings import Findings
from sandbox.judge.package.tree import MAX_ENTRIES

MAX_SIZE = 4 << 30
"""Bytes of all files together."""
MAX_RATIO = 200
"""Bytes of all files together for each byte of the archive."""
_FREE = 256 << 20
"""Bytes up to which the ratio does not matter."""
_MAX_DIRECTORY = 64 << 20
"""Bytes that the archive's table of contents may take, which is held in memory."""
_MAX_LINK = 4096
_UTF8, _ENCRYPTED = 0x800, 0x1
_DOS = frozenset({0, 6, 11, 14})
"""Systems, as entries have them, whose separator is a backslash: FAT, OS/2, NTFS, VFAT."""
_DOS_DIRECTORY = 0x10
_UNICODE_PATH = 0x7075
"""Info-ZIP's extra field with the name in UTF-8, where the entry's own is in something else."""
_CHUNK = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, EOFError, ValueError)
_FILE = "problem.yaml"


@dataclass(frozen=True, slots=True)
class _Entry:
    info: zipfile.ZipInfo
    kind: int
    """As the type of a file has it: S_IFREG, S_IFDIR, S_IFLNK, or what is none of these."""

    @property
    def executable(self) -> bool:
        return bool(self.info.external_attr >> 16 & 0o111)


_Entries = Mapping[str, _Entry]


def unpack(path: Path, target: Path, findings: Findings) -> Path:
    """Unpack an archive into an empty directory; where its package is: there, or in a directory of it.

    Every entry is checked before the first is written, and again while it is written: sizes in the table of contents
    may be lies.
    """
    entries: _Entries = {}
    try:
        with _Source(io.FileIO(path)) as source, zipfile.ZipFile(source) as archive:
            entries = _checked(archive.infolist(), os.fstat(source.fileno()).st_size, findings)
            if not findings.failed:
                _write(archive, entries, target, findings)
    except _BROKEN as error:
        findings.error(".", "zip", f"{path.name} is not a zip archive that can be read: {error}")
    except OSError as error:
        findings.error(".", "zip", f"{path.name} cannot be unpacked: {error.strerror or error}")
    return target if findings.failed else _package(entries, target)


def _package(entries: _Entries, target: Path) -> Path:
    """The archive's own directory if the package begins there; else the one that has a package, or is the only one."""
    tops = sorted({name.partition("/")[0] for name in entries if _is_directory(target / name.partition("/")[0])})
    if _FILE in entries:
        return target
    with_package = [top for top in tops if f"{top}/{_FILE}" in entries]
    if len(with_package) == 1:
        return target / with_package[0]
    only = len(tops) == 1 and all("/" in name or name in tops for name in entries)
    return target / tops[0] if only and tops[0] != "data" else target


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


class _Source(io.BufferedReader):
    """The archive, of which zipfile reads the table of contents in one piece, as long as that says it is."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_DIRECTORY:
            raise zipfile.BadZipFile("its table of contents is too large")
        return super().read(size)


def _checked(infos: list[zipfile.ZipInfo], size: int, findings: Findings) -> _Entries:
    """The entries to unpack, by name; errors about those that are not to be trusted. `size` is the archive's."""
    if len(infos) > MAX_ENTRIES:
        findings.error(".", "zip", f"has more than {MAX_ENTRIES} entries")
        return {}
    entries: dict[str, _Entry] = {}
    for info in infos:
        written = _name(info)
        name = "/".join(part for part in written.removesuffix("/").split("/") if part != ".")
        entry = _Entry(info, _kind(info, written))
        # What leads elsewhere is told of wherever it is; what nobody would read is not looked at any further.
        reason = _danger(written) or ("" if not name or _is_ignored(name) else _objection(name, entry))
        if reason:
            findings.error(_shown(written), "zip", reason)
        elif not name or _is_ignored(name):
            if tree.is_missed(name):
                findings.warning(_shown(name), "name", "is hidden by the dot that its name begins with: it is ignored")
        elif name in entries and not entry.kind == entries[name].kind == stat.S_IFDIR:
            findings.error(_shown(name), "zip", "is in the archive twice")
        else:
            entries[name] = entry
    _check_directories(entries, findings)
    total = sum(entry.info.file_size for entry in entries.values())
    if total > MAX_SIZE:
        findings.error(".", "zip", f"unpacks to more than {MAX_SIZE >> 30} GiB")
    elif total > _FREE and total > MAX_RATIO * size:
        findings.error(".", "zip", f"unpacks to more than {MAX_RATIO} times its size")
    return entries


def _name(info: zipfile.ZipInfo) -> str:
    """The name by its bytes, with slashes; as it is in the archive: zipfile cuts names at a NUL."""
    raw = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")
    raw = _unicode_path(info.extra, raw) or raw
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        name = raw.decode("cp437")
    return name.replace("\\", "/") if info.create_system in _DOS else name


def _unicode_path(extra: bytes, raw: bytes) -> bytes:
    """The name that an extra field gives in UTF-8, if it is for this name; empty if there is none."""
    while len(extra) >= 4:
        kind, size = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        value, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and value[:1] == b"\1" and value[1:5] == zlib.crc32(raw).to_bytes(4, "little"):
            return value[5:]
    return b""


def _kind(info: zipfile.ZipInfo, name: str) -> int:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind:
        return kind
    return stat.S_IFDIR if name.endswith("/") or info.external_attr & _DOS_DIRECTORY else stat.S_IFREG


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name[:200]) or "."


def _check_directories(entries: _Entries, findings: Findings) -> None:
    """That nothing is in what is no directory."""
    seen: set[str] = set()
    for name in entries:
        above = name.rpartition("/")[0]
        while above and above not in seen:
            seen.add(above)
            if above in entries and entries[above].kind != stat.S_IFDIR:
                findings.error(_shown(name), "zip", f"is in {_shown(above)}, which is a file")
            above = above.rpartition("/")[0]


def _danger(name: str) -> str:
    """How a name would lead elsewhere, if it would."""
    reasons = {
        "has no name": not name,
        "has a name with a NUL byte": "\0" in name,
        "has an absolute name": name.startswith("/") or (len(name) > 1 and name[1] == ":"),
        "has a name that leads elsewhere": bool({"", ".."} & set(name.removesuffix("/").split("/"))),
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _objection(name: str, entry: _Entry) -> str:
    """What is wrong with an entry, if anything is."""
    parts, info = name.split("/"), entry.info
    reasons = {
        "has a name that is too long": len(os.fsencode(name)) > 4000 or any(len(os.fsencode(p)) > 255 for p in parts),
        f"is more than {MAX_DEPTH} directories deep": len(parts) > MAX_DEPTH,
        "is encrypted": bool(info.flag_bits & _ENCRYPTED),
        "is a link that leads too far": entry.kind == stat.S_IFLNK and info.file_size > _MAX_LINK,
        "is neither a file nor a directory": entry.kind not in (stat.S_IFLNK, stat.S_IFREG, stat.S_IFDIR),
        "is compressed in a way that is not read": info.compress_type not in _METHODS,
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _is_ignored(name: str) -> bool:
    """Whether it would be ignored anyway: what other systems leave in archives, and hidden files."""
    *above, last = name.split("/")
    return any(part.startswith(".") or part == "__MACOSX" for part in above) or (
        last == "__MACOSX" or (last.startswith(".") and (last != tree.TIME_LIMIT or len(above) > 1))
    )


def _write(archive: zipfile.ZipFile, entries: _Entries, target: Path, findings: Findings) -> None:
    """Everything, links last: so nothing is written through one."""
    made: set[str] = set()
    left = MAX_SIZE
    for name, entry in entries.items():
        directory = name if entry.kind == stat.S_IFDIR else name.rpartition("/")[0]
        if directory and directory not in made:
            os.makedirs(target / directory, mode=0o700, exist_ok=True)
            made.add(directory)
        if entry.kind != stat.S_IFREG:
            continue
        try:
            left -= _write_one(archive, entry, target / name, min(left, entry.info.file_size))
        except _BROKEN as error:
            findings.error(_shown(name), "zip", f"is damaged: {error}")
            return
        except OSError as error:
            if error.errno != errno.EFBIG:
                raise
            findings.error(_shown(name), "zip", "unpacks to more than the archive says, or than is allowed")
            return
    for name, reason in _link(archive, entries, target):
        findings.error(_shown(name), "zip", reason)


def _write_one(archive: zipfile.ZipFile, entry: _Entry, path: Path, limit: int) -> int:
    """The bytes that were written; no more than `limit`. Programs stay executable."""
    mode = 0o700 if entry.executable else 0o600
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    written = 0
    with open(fd, "wb") as file, archive.open(entry.info) as source:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > limit:
                raise OSError(errno.EFBIG, "too large")
            file.write(chunk)
    return written


def _link(archive: zipfile.ZipFile, entries: _Entries, target: Path) -> Iterator[tuple[str, str]]:
    """Make the links; names of those that lead out, and why they cannot be."""
    links = [name for name, entry in entries.items() if entry.kind == stat.S_IFLNK]
    for name in links:
        try:
            with archive.open(entries[name].info) as source:
                to = source.read(_MAX_LINK + 1)
        except _BROKEN as error:
            yield name, f"is damaged: {error}"
            continue
        if not to or b"\0" in to or len(to) > _MAX_LINK or to.startswith(b"/"):
            yield name, "is a link that leads out of the archive"
        else:
            os.symlink(to, os.fsencode(target / name))
    # Only now is known where they lead: a link may go on from another.
    inside = os.path.realpath(target) + "/"
    for name in links:
        if os.path.islink(target / name) and not f"{os.path.realpath(target / name)}/".startswith(inside):
            yield name, "is a link that leads out of the archive"
