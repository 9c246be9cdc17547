"""Zip archives that hold one file, read within bounds; other packings named for what they are."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO

from pmlcli.errors import LogError

ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"
MAX_DIRECTORY = 1 << 20
"""Bytes of an archive's directory: a log is one file, and a long directory is memory spent on nothing."""

_END_OF_DIRECTORY, _END_SIZE = b"PK\x05\x06", 22
_KNOWN = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 1

# zipfile raises all of these for bytes that are not as they should be
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(ValueError, LookupError, OverflowError, RuntimeError),
)

_OTHER_PACKINGS = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar",
}


def refuse_other_packing(head: bytes, name: str) -> None:
    """Raises LogError when the bytes begin like a packing that is not read."""
    for magic, packing in _OTHER_PACKINGS.items():
        if head.startswith(magic):
            raise LogError(
                f"{name}: packed with {packing}", hint="unpack it, or pack it with gzip", code="log.format"
            )
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise LogError(f"{name}: an old Excel workbook", hint="save it as .xlsx or CSV", code="log.format")


def member_pieces(file: BinaryIO, name: str, size: int) -> Iterator[bytes]:
    """The inflated bytes of an archive's only file, in pieces of at most `size`.

    Raises LogError for an archive that holds none or several, is encrypted, damaged or packed in
    another way than deflate.
    """
    check_directory(file, name)
    try:
        with zipfile.ZipFile(file) as archive:
            member = _only_member(archive, name)
            with archive.open(member) as stream:
                yield from _pieces(stream, size)
    except DAMAGE as error:
        raise _damaged(name) from error


def _pieces(stream: IO[bytes], size: int) -> Iterator[bytes]:
    while piece := stream.read(size):
        yield piece


def check_directory(file: BinaryIO, name: str) -> None:
    """The directory is short and where it should be: zipfile reads all of it before anything else."""
    file.seek(0, 2)
    total = file.tell()
    file.seek(max(0, total - _END_SIZE - 0xFFFF))
    tail = file.read()
    at = tail.rfind(_END_OF_DIRECTORY)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise LogError(
            f"{name}: the zip archive is cut off", code="log.truncated", hint="fetch or copy the file again"
        )
    if int.from_bytes(tail[at + 12 : at + 16], "little") > MAX_DIRECTORY:
        raise LogError(f"{name}: a zip archive with too long a directory", code="log.limit", hint="use gzip")


def _only_member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    found = archive.infolist()
    members = [m for m in found if not m.filename.endswith("/") and not m.filename.startswith("__MACOSX/")]
    names = [member.filename for member in members]
    if "[Content_Types].xml" in names:
        raise LogError(
            f"{name}: an Excel workbook that Excel has not written",
            hint="save it again, or as CSV",
            code="log.format",
        )
    if len(members) != 1:
        what = "no file" if not members else f"{len(members):,} files ({', '.join(names[:3])}, ...)"
        raise LogError(
            f"{name}: a zip archive of {what}; a log is one", hint="unpack it first", code="log.format"
        )
    if members[0].flag_bits & _ENCRYPTED:
        raise LogError(f"{name}: the zip archive is encrypted", hint="unpack it first", code="log.format")
    if members[0].compress_type not in _KNOWN:
        raise LogError(
            f"{name}: the zip archive is packed in a way that is not read",
            hint="use deflate, or gzip",
            code="log.format",
        )
    return members[0]


def _damaged(name: str) -> LogError:
    return LogError(
        f"{name}: the zip archive is damaged", code="log.damaged", hint="fetch or copy the file again"
    )
