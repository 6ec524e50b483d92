"""Which files of a site's folder a backup holds: all that people wrote, nothing that the site writes, no key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.backup.container import DIGEST, MAGIC
from engine.site.config import FILE, SECRET_FILE, SiteConfig

PUBLISHED = "data/published.json"
_LEFT_OUT_FOLDERS = frozenset({"__pycache__", "node_modules"})
_LEFT_OUT_ENDS = (".pyc", ".errors.csv", ".part")
_TAIL = len(b"sha256:") + DIGEST
_STRANGE = frozenset("\\:")


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file of the folder."""

    path: Path
    name: str
    """Relative, with slashes."""


def site_files(config: SiteConfig) -> Iterator[SiteFile]:
    """Yield the files of a site's folder, without data, keys, other backups, and folders that begin with a dot."""
    folder = config.folder.resolve()
    kept_apart = {config.data.resolve(), config.files.resolve()}
    keys = {path.resolve() for path in key_files(config)}
    published = folder / PUBLISHED
    if published.is_file():
        yield SiteFile(published, PUBLISHED)
    for root, folders, names in os.walk(folder):
        here = Path(root)
        folders[:] = sorted(
            each
            for each in folders
            if not each.startswith(".") and each not in _LEFT_OUT_FOLDERS and (here / each).resolve() not in kept_apart
        )
        for name in sorted(names):
            path = here / name
            said = path.relative_to(folder).as_posix()
            if path.is_symlink() or not path.is_file() or name.endswith(_LEFT_OUT_ENDS) or path.resolve() in keys:
                continue
            if path == config_database(config) or path.name.endswith(("-wal", "-shm")) or is_backup(path):
                continue
            yield SiteFile(path, said)


def is_backup(path: Path) -> bool:
    """Say whether a file is a backup, by its first and last bytes."""
    with path.open("rb") as stream:
        head = stream.read(len(MAGIC))
        if head == MAGIC:
            return True
        if not head.startswith(b"PK\x03\x04"):
            return False
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - _TAIL))
        return stream.read(_TAIL).startswith(b"sha256:")


def can_be_restored(name: str) -> bool:
    """Say whether every system takes a file of that name."""
    pieces = name.split("/")
    plain = all(piece == piece.strip() and piece for piece in pieces)
    return plain and _STRANGE.isdisjoint(name) and name.isprintable()


def config_database(config: SiteConfig) -> Path | None:
    """Return the file of an SQLite database."""
    scheme, _, path = config.database.partition(":///")
    return Path(path.partition("?")[0]) if scheme.startswith("sqlite") else None


def key_files(config: SiteConfig) -> list[Path]:
    """Return the files that hold keys and passwords."""
    sources: list[Any] = [config.secret_source, {"file": SECRET_FILE}, config.mail.get("password")]
    secrets = config.secrets
    sources += [secrets.get("key"), *secrets.get("old_keys", ()), *secrets.get("old_signing_keys", ())]
    return [config.folder / each["file"] for each in sources if isinstance(each, Mapping) and "file" in each]


def literal_keys(config: SiteConfig) -> list[str]:
    """Return the keys that stand in guanxi.yaml itself."""
    secrets = config.secrets
    sources: list[Any] = [config.secret_source, secrets.get("key")]
    sources += [*secrets.get("old_keys", ()), *secrets.get("old_signing_keys", ())]
    return [each for each in sources if isinstance(each, str)]


def without_keys(text: str, config: SiteConfig) -> str:
    """Return guanxi.yaml with the place of a file where a key stood."""
    for key in literal_keys(config):
        for quote in ('"', "'", ""):
            text = text.replace(f"{quote}{key}{quote}", f"{{file: {SECRET_FILE}}}")
    return text


__all__ = ["FILE", "PUBLISHED", "SiteFile", "can_be_restored", "key_files", "site_files", "without_keys"]
