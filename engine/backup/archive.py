"""One file that holds a site: a zip of parts, described by a manifest that is its last part.

Anybody's tools open it (when it is not encrypted). This module trusts nothing in it: names, sizes and checksums are
those of the manifest or the file is refused, and what is read of a part ends where the manifest says.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

import orjson

from engine.backup.container import CHUNK, DIGEST, Digesting, Lock, Opening, Sealing, check_digest, is_encrypted
from engine.backup.problems import BackupUnusable, damaged
from engine.errors import GuanxiError
from engine.i18n import Message

FORMAT = 1
MANIFEST = "manifest.json"
_MOST_MANIFEST = 64 * 1024 * 1024
_COMMENT = b"sha256:" + b"0" * DIGEST
_LEVEL = 3
_NAME = re.compile(r"(schema\.json|tables/\d{5}|files/[0-9a-f]{64}|site/.+|keys/.+)")
_FORBIDDEN = re.compile(r"[\\:\x00-\x1f]")


@dataclass(frozen=True, slots=True)
class Part:
    """One part as the manifest has it."""

    name: str
    bytes: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"name": self.name, "bytes": self.bytes, "sha256": self.sha256}


@dataclass(slots=True)
class PartWriter:
    """Takes the bytes of one part."""

    stream: IO[bytes]
    digest: Any = field(default_factory=hashlib.sha256)
    size: int = 0

    def write(self, data: Any) -> None:
        """Take bytes."""
        self.stream.write(data)
        self.digest.update(data)
        self.size += len(data)


class ArchiveWriter:
    """Writes an archive under a temporary name; `finish` gives it its own.

    Args:
        file: where it shall be.
        lock: encrypts it.
    """

    def __init__(self, file: Path, lock: Lock | None = None) -> None:
        self.file = file
        self.partial = file.with_name(f".{file.name}.{os.getpid()}.part")
        descriptor = os.open(self.partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._raw = os.fdopen(descriptor, "wb")
        self._sealing = Sealing(self._raw, lock) if lock is not None else None
        self._digesting = Digesting(self._sealing or self._raw)
        self._zip = zipfile.ZipFile(
            self._digesting,
            "w",
            zipfile.ZIP_DEFLATED,
            allowZip64=True,
            compresslevel=_LEVEL,
        )
        self.parts: list[Part] = []

    @contextmanager
    def part(self, name: str) -> Iterator[PartWriter]:
        """Take one part, of any size."""
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        with self._zip.open(info, "w", force_zip64=True) as stream:
            writer = PartWriter(stream)
            yield writer
        self.parts.append(Part(name, writer.size, writer.digest.hexdigest()))

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest and give the file its name, once all of it is on the disk."""
        body = {**manifest, "format": FORMAT, "parts": [part.to_json() for part in self.parts]}
        self._zip.writestr(MANIFEST, orjson.dumps(body, option=orjson.OPT_INDENT_2))
        self._zip.comment = _COMMENT
        self._zip.close()
        self._digesting.finish()
        if self._sealing is not None:
            self._sealing.finish()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()

    def keep(self) -> None:
        """Give the file its name; it replaces one that has it."""
        self.partial.replace(self.file)
        descriptor = os.open(self.file.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def drop(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError, ValueError):
            self._zip.close()
        self._raw.close()
        self.partial.unlink(missing_ok=True)


class Archive:
    """An archive that is there; close it after use.

    Raises:
        BackupUnusable: it is none, is damaged, or is encrypted and `lock` does not open it.
    """

    def __init__(self, file: Path, lock: Lock | None = None) -> None:
        try:
            self._raw = file.open("rb")
        except OSError as error:
            raise GuanxiError(
                Message("{file} cannot be read: {why}", file=str(file), why=error.strerror or "")
            ) from error
        try:
            self._open(file, lock)
        except BaseException:
            self._raw.close()
            raise

    def _open(self, file: Path, lock: Lock | None) -> None:
        size = file.stat().st_size
        self.size = size
        self.encrypted = is_encrypted(self._raw)
        if self.encrypted and lock is None:
            raise BackupUnusable(Message("The backup is encrypted: give its key file or passphrase"))
        self._stream: IO[bytes] = self._raw
        if self.encrypted and lock is not None:
            opened = Opening(self._raw, size, lock)
            self._stream = io.BufferedReader(opened, CHUNK)
        try:
            self._zip = zipfile.ZipFile(self._stream)
            self.manifest = self._manifest()
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            ValueError,
            KeyError,
            TypeError,
            NotImplementedError,
        ):
            if not self.encrypted and not _begins_as_zip(self._raw):
                raise BackupUnusable(Message("{file} is no backup of a site", file=str(file))) from None
            raise damaged(Message("its list of parts cannot be read")) from None
        self._refuse_strange_parts()

    def _manifest(self) -> dict[str, Any]:
        info = self._zip.getinfo(MANIFEST)
        if info.file_size > _MOST_MANIFEST:
            raise ValueError
        with self._zip.open(info) as stream:
            body: dict[str, Any] = orjson.loads(stream.read(_MOST_MANIFEST))
        if body["format"] != FORMAT:
            raise BackupUnusable(Message("The backup was made by a newer version of the product"))
        self.parts = {part["name"]: Part(part["name"], part["bytes"], part["sha256"]) for part in body["parts"]}
        if not {"tables", "migrations", "database"} <= body.keys():
            raise ValueError
        return body

    def _refuse_strange_parts(self) -> None:
        infos = self._zip.infolist()
        names = [info.filename for info in infos if info.filename != MANIFEST]
        if len(names) != len(infos) - 1 or sorted(names) != sorted(self.parts):
            raise damaged(Message("it does not hold the parts that its list names"))
        for info in infos:
            part = self.parts.get(info.filename)
            if part is not None:
                _refuse_name(part.name)
                if info.file_size != part.bytes:
                    raise damaged(Message("{part} has another size than its list says", part=part.name))

    @property
    def unpacked(self) -> int:
        """Return how many bytes all parts have."""
        return sum(part.bytes for part in self.parts.values())

    def read(self, name: str) -> Iterator[bytes]:
        """Yield a part in pieces, never more than its list says.

        Raises:
            BackupUnusable: it is not as it was written.
        """
        part = self.parts[name]
        digest, left = hashlib.sha256(), part.bytes
        try:
            with self._zip.open(name) as stream:
                while left and (data := stream.read(min(CHUNK, left))):
                    digest.update(data)
                    left -= len(data)
                    yield data
                if left or stream.read(1):
                    raise damaged(Message("{part} has another size than its list says", part=name))
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
            raise damaged(Message("{part} was changed", part=name)) from None
        if digest.hexdigest() != part.sha256:
            raise damaged(Message("{part} was changed", part=name))

    def whole(self, name: str, most: int = _MOST_MANIFEST) -> bytes:
        """Return a small part.

        Raises:
            BackupUnusable: it is not as it was written, or larger than it can be.
        """
        if self.parts[name].bytes > most:
            raise damaged(Message("{part} has another size than its list says", part=name))
        return b"".join(self.read(name))

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a part, without their ends."""
        rest = b""
        for data in self.read(name):
            *lines, rest = (rest + data).split(b"\n")
            yield from lines
        if rest:
            raise damaged(Message("{part} was changed", part=name))

    def check(self, moved: Callable[[int], None] = lambda _count: None) -> None:
        """Read every byte: the checksum of the whole, of every part, and the rows of every table.

        Raises:
            BackupUnusable: something is not as it was written.
        """
        check_digest(self._stream, moved)
        rows = {table["part"]: table["rows"] for table in self.manifest["tables"]}
        for name in self.parts:
            found = 0
            for data in self.read(name):
                moved(len(data))
                found += data.count(b"\n")
            if name in rows and found != rows[name]:
                raise damaged(Message("{part} has another number of rows than its list says", part=name))
        if set(rows) != {name for name in self.parts if name.startswith("tables/")} or "schema.json" not in self.parts:
            raise damaged(Message("it does not hold the parts that its list names"))

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _begins_as_zip(stream: IO[bytes]) -> bool:
    stream.seek(0)
    return stream.read(4) == b"PK\x03\x04"


def _refuse_name(name: str) -> None:
    """Refuse parts that would land somewhere else than below the folder that they are for.

    Raises:
        BackupUnusable: the name is none that a backup has.
    """
    pieces = name.split("/")
    strange = any(piece in {"", ".", ".."} or piece != piece.strip() for piece in pieces)
    if strange or _NAME.fullmatch(name) is None or _FORBIDDEN.search(name):
        raise damaged(Message("it holds a part that none may have: {name}", name=repr(name)[:120]))
