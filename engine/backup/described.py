"""What a backup says of the site to be: its version, and guanxi.yaml as it shall be read in another folder."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import orjson

from engine.backup.archive import Archive
from engine.backup.problems import BackupUnusable, damaged
from engine.i18n import Message
from engine.site.config import FILE, SiteConfig
from engine.storage.migrations import MIGRATIONS

_DATABASE_LINE = re.compile(r"^database[ \t]*:.*$", re.MULTILINE)


def check_version(archive: Archive) -> None:
    """Refuse what a newer version has made, before its tables are looked at.

    Raises:
        BackupUnusable: it was made by a newer version, or its tables otherwise than by this product.
    """
    known = {str(each.number): each.checksum(archive.manifest["database"]) for each in MIGRATIONS}
    for number, checksum in archive.manifest["migrations"].items():
        if number not in known:
            raise BackupUnusable(Message("The backup was made by a newer version of the product"))
        if known[number] != checksum:
            raise damaged(Message("its tables were made otherwise than by this product"))


def settings_text(archive: Archive, database: str | None) -> str:
    """Return guanxi.yaml as it shall be.

    Raises:
        BackupUnusable: there is none.
    """
    if f"site/{FILE}" not in archive.parts:
        raise damaged(Message("it holds no {file}", file=FILE))
    text = archive.whole(f"site/{FILE}").decode()
    if database is None:
        return text
    line = f"database: {orjson.dumps(database).decode()}"
    changed, count = _DATABASE_LINE.subn(lambda _found: line, text, count=1)
    return changed if count else f"{line}\n{text}"


def moved(config: SiteConfig, before: Path, after: Path) -> SiteConfig:
    """Return settings that were read in one folder as those of another."""
    files = after / config.files.relative_to(before) if config.files.is_relative_to(before) else config.files
    database = config.database.replace(before.as_posix(), after.as_posix())
    return replace(config, folder=after, files=files, database=database)


def relative(path: str) -> Path:
    """Return a path below the folder of the site.

    Raises:
        BackupUnusable: it leads elsewhere.
    """
    found = Path(path)
    if found.is_absolute() or ".." in found.parts or not found.parts:
        raise damaged(Message("it holds a part that none may have: {name}", name=repr(path)[:120]))
    return found
