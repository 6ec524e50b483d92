"""Records with their files: a zip with the rows as one file, the files in a folder for each record, and a list of them.

A file is in it if whoever exports may export its record and see its field. Bytes go through as they are read; what is
kept of each file is its place in the zip, which is why their number has an end. Names inside are made anew: none leads
out of the folder that a zip is unpacked into, none is another's (also where upper and lower case are the same), and
each can be written on every system.
"""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from engine.data.attached import Attached, stored_files
from engine.data.files import FileStore, clean_name
from engine.data.principal import zone
from engine.data.reader import Reader
from engine.data.transfer.mapping import guarded
from engine.errors import AccessDenied
from engine.i18n import Message
from engine.metadata.model import Entity

LIST = "files.csv"
"""The list of all files: of which record each is, what it was called, and where it lies."""
FOLDER = "files"
MOST_FILES = 50_000
MEGA = 2**20
_COLUMNS = ("id", "record", "field", "name", "path", "bytes", "type", "sha256", "added_at")
_LONGEST_TITLE = 60
_ID_END = 12
"""Letters of an id that tell records of one title apart: those of a UUIDv7 that are chance."""
_FIRST_YEAR = 1980
"""The first year that a zip knows."""
_BLOCK = 1 << 20
_TEXTS = ("text/", "application/json", "application/yaml", "image/svg")

Ids = Callable[[], Iterable[Sequence[str]]]


@dataclass(slots=True)
class Weight:
    """How much there is."""

    files: int = 0
    bytes: int = 0


class FilesTooLarge(AccessDenied):
    """The files of an export are more than one may have."""


class Bundle:
    """The files of the records of one export.

    Args:
        reader: who exports.
        entity: of which records.
        store: where the bytes are.
        ids: yields the ids of the records, some at a time, each time it is called.
        most: bytes that the files may have together; None = as many as there are.
    """

    def __init__(self, reader: Reader, entity: Entity, store: FileStore, ids: Ids, most: int | None) -> None:
        self._reader, self._entity, self._store, self._ids, self._most = reader, entity, store, ids, most
        self.written = Weight()
        self.fields: set[str] = set()
        """Fields of which files were written."""

    def weight(self) -> Weight:
        """Return how many files there are, and how large they are together.

        Raises:
            FilesTooLarge: more than may be exported at a time.
        """
        found = Weight()
        for ids in self._ids():
            for each in stored_files(self._reader, self._entity.key, ids):
                found.files += 1
                found.bytes += each.size
                self._require(found)
        return found

    def _require(self, found: Weight) -> None:
        advice = Message("Narrow the list, or leave the files out")
        if found.files > MOST_FILES:
            words = Message("There are more than {most} files. {advice}", most=f"{MOST_FILES:,}", advice=advice)
            raise FilesTooLarge(words, entity=self._entity.key, action="export")
        if self._most is not None and found.bytes > self._most:
            words = Message(
                "The files have more than {most} MB together. {advice}", most=f"{self._most // MEGA:,}", advice=advice
            )
            raise FilesTooLarge(words, entity=self._entity.key, action="export")

    def write(
        self, stream: Any, name: str, rows: Callable[[IO[bytes]], int], scratch: Path | None, moved: Callable[[], None]
    ) -> int:
        """Write the zip and return how many records are in it.

        Args:
            stream: is only written to, from its beginning to its end.
            name: what the file of the rows is called.
            rows: writes it, and returns the number of records.
            scratch: where the list lies meanwhile; the folder of the machine unless given.
            moved: told after each few records, which may also end it.
        """
        with (
            zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            tempfile.TemporaryFile(dir=scratch) as listed,
        ):
            with archive.open(_entry(clean_name(name), None), "w", force_zip64=True) as out:
                count = rows(out)
            lines = io.TextIOWrapper(listed, encoding="utf-8-sig", newline="", write_through=True)
            table = csv.writer(lines)
            table.writerow(_COLUMNS)
            for ids in self._ids():
                titles = self._reader.titles(self._entity.key, set(ids))
                for each, path in _placed(stored_files(self._reader, self._entity.key, ids), titles):
                    there = self._put(archive, each, path)
                    table.writerow(_line(each, titles.get(each.record_id, ""), path if there else ""))
                moved()
            lines.flush()
            listed.seek(0)
            with archive.open(_entry(LIST, None), "w", force_zip64=True) as out:
                shutil.copyfileobj(listed, out, _BLOCK)
            lines.detach()
        return count

    def _put(self, archive: zipfile.ZipFile, each: Attached, path: str) -> bool:
        """Write the bytes of a file; False when they are not there."""
        source = self._store.path(each.checksum)
        if not source.is_file():
            return False
        zone_ = zone(self._reader.principal.timezone)
        info = _entry(path, each.at.astimezone(zone_))
        if not each.kind.startswith(_TEXTS):
            info.compress_type = zipfile.ZIP_STORED  # pictures, documents and films are compressed already
        info.file_size = source.stat().st_size
        self.written.bytes += info.file_size
        self.written.files += 1
        # What was weighed may have grown since, where somebody writes without a snapshot.
        self._require(self.written)
        if each.field is not None:
            self.fields.add(each.field)
        with source.open("rb") as bytes_, archive.open(info, "w") as out:
            shutil.copyfileobj(bytes_, out, _BLOCK)
        return True


def _entry(path: str, at: datetime | None) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path)
    if at is not None and at.year >= _FIRST_YEAR:
        info.date_time = (at.year, at.month, at.day, at.hour, at.minute, at.second)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o100600 << 16
    return info


def _placed(files: Iterable[Attached], titles: Any) -> Iterator[tuple[Attached, str]]:
    """Yield each file with its place in the zip; those of a record come one after the other."""
    record, taken = "", set[str]()
    for each in files:
        if each.record_id != record:
            record, taken = each.record_id, set()
        yield each, f"{FOLDER}/{_folder(each.record_id, titles.get(each.record_id, ''))}/{_free(each.name, taken)}"


def _folder(record_id: str, title: str) -> str:
    end = record_id.replace("-", "")[-_ID_END:]
    words = clean_name(title)[:_LONGEST_TITLE].strip(" .") if title else ""
    return f"{words} {end}" if words else end


def _free(name: str, taken: set[str]) -> str:
    """Return a name that no other file of the record has, in whatever case."""
    plain = clean_name(name)
    stem, dot, suffix = plain.rpartition(".")
    found, number = plain, 1
    while found.casefold() in taken:
        number += 1
        found = f"{stem} ({number}).{suffix}" if dot and stem else f"{plain} ({number})"
    taken.add(found.casefold())
    return found


def _line(each: Attached, title: str, path: str) -> list[Any]:
    texts = (each.record_id, title, each.field or "", each.name, path)
    return [*map(guarded, texts), each.size, each.kind, each.checksum, each.at.isoformat(timespec="seconds")]
