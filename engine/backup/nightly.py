"""The backup of every night: guanxi.yaml says where it goes, which are kept, and how they are encrypted."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.backup.container import Lock
from engine.backup.retention import Kept, file_name, keep_some
from engine.backup.saving import estimate, save
from engine.errors import GuanxiError
from engine.i18n import Message
from engine.jobs import Run, Schedule, Task
from engine.site.site import Site

BACKUP = "backup"
_AT = "02:10"
_LEAST_KEY = 32


def nightly_backup(site: Site) -> None:
    """Register the backup of a site as a task and a schedule, once; off while guanxi.yaml names no folder for it."""
    if BACKUP in site.jobs.tasks:
        return

    def work(run: Run) -> None:
        _back_up(site, run)

    settings = site.config.backup
    hour, minute = (settings.get("at") or _AT).split(":")
    lacking = None if settings.get("folder") else Message("guanxi.yaml names no folder for it: backup.folder")
    site.jobs.register(Task(BACKUP, work, Message("Backup"), attempts=3, concurrency=1))
    site.jobs.schedules.register(
        Schedule(BACKUP, BACKUP, f"{int(minute)} {int(hour)} * * *", Message("Backup"), lacking=lacking)
    )


def _back_up(site: Site, run: Run) -> None:
    settings, here = site.config.backup, site.config.folder
    folder, zone = here / settings["folder"], ZoneInfo(site.config.timezone)
    lock = _lock(here / settings["key_file"]) if settings.get("key_file") else None
    done = 0

    def move(count: int) -> None:
        nonlocal done
        done += count
        run.progress(done)

    run.progress(0, estimate(site))
    file = folder / file_name(datetime.now(zone))
    saved = save(site, file, lock=lock, with_keys=bool(settings.get("with_keys")), progress=move)
    gone = keep_some(folder, Kept.parse(settings["keep"]), zone) if settings.get("keep") else []
    run.progress(saved.bytes, saved.bytes)
    run.finish(
        {
            "file": str(file),
            "bytes": saved.bytes,
            "rows": saved.rows,
            "files": saved.files,
            "missing": list(saved.missing),
            "deleted": [each.name for each in gone],
        }
    )


def _lock(file: Path) -> Lock:
    """Return what encrypts the backup.

    Raises:
        GuanxiError: the key cannot be read, or is too short for one.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise GuanxiError(Message("{file} cannot be read: {why}", file=str(file), why=why)) from error
    if len(data) < _LEAST_KEY:
        raise GuanxiError(Message("{file} is too short for a key: {count} bytes are", file=str(file), count=_LEAST_KEY))
    return Lock(data, "file")
