"""`guanxi backup` and `guanxi restore`."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from engine import (
    BackupLock,
    GuanxiError,
    KeptBackups,
    Message,
    SavedBackup,
    Site,
    backup_name,
    backup_size,
    check_backup,
    keep_some_backups,
    restore_backup,
    save_backup,
)
from ui.cli.command import DONE, SOME_FAILED, Command, Face, Option, existing, pass_face, shared

PASSPHRASE = "GUANXI_BACKUP_PASSPHRASE"  # noqa: S105 - a name, not a secret
_LEAST_KEY = 32
_LEAST_PASSPHRASE = 12

_key_file = click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=existing,
    help="Encrypt with the bytes of this file; `guanxi secrets new-key` makes one.",
    cls=Option,
)
_passphrase = click.option(
    "--passphrase",
    is_flag=True,
    help="Encrypt with a passphrase: asked for, or from GUANXI_BACKUP_PASSPHRASE.",
    cls=Option,
)


@click.command(cls=Command)
@shared
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@_key_file
@_passphrase
@click.option("--with-keys", is_flag=True, help="Put the keys of the site in: whoever has it has all.", cls=Option)
@click.option("--verify", is_flag=True, help="Only read a backup that is there, every byte of it.", cls=Option)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write into this folder, under a name with the time.",
    cls=Option,
)
@click.option(
    "--keep", help="Then delete the older ones there, but for so many days, weeks, months: 7,4,12.", cls=Option
)
@pass_face
def backup(
    face: Face,
    file: Path | None,
    key_file: Path | None,
    passphrase: bool,  # noqa: FBT001 - click's own shape
    with_keys: bool,  # noqa: FBT001 - as above
    verify: bool,  # noqa: FBT001 - as above
    folder: Path | None,
    keep: str | None,
) -> int:
    """Write everything of the site into one file, while others work."""
    if (file is None) == (folder is None):
        raise GuanxiError(Message("Say either a file or --folder"))
    if keep is not None and folder is None:
        raise GuanxiError(Message("--keep goes with --folder: it deletes nothing elsewhere"))
    rule = KeptBackups.parse(keep) if keep is not None else None
    if verify:
        if file is None:
            raise GuanxiError(Message("Say which file to verify"))
        return _verify(face, file, lock_of(face, key_file, passphrase=passphrase, new=False))
    lock = lock_of(face, key_file, passphrase=passphrase, new=True)
    with face.site() as site:
        zone = ZoneInfo(site.config.timezone)
        now = datetime.now(zone)
        target = file if file is not None else (folder or Path()) / backup_name(now)
        saved = _save(face, site, target.absolute(), lock, with_keys=with_keys)
        gone = keep_some_backups(target.parent, rule, zone) if rule is not None else []
    _tell(face, saved, encrypted=lock is not None)
    for each in gone:
        face.say(Message("Deleted {file}", file=each.name))
    face.answer({**_facts(saved), "deleted": [each.name for each in gone]})
    return SOME_FAILED if saved.missing else DONE


def _save(face: Face, site: Site, file: Path, lock: BackupLock | None, *, with_keys: bool) -> SavedBackup:
    with face.progress(Message("Saving"), backup_size(site)) as move:
        return save_backup(site, file, lock=lock, with_keys=with_keys, progress=move)


def _tell(face: Face, saved: SavedBackup, *, encrypted: bool) -> None:
    face.say(
        Message(
            "Wrote {file}: {rows} rows, {files} attachments, {size} MB; read back and found whole",
            file=str(saved.file),
            rows=saved.rows,
            files=saved.files,
            size=round(saved.bytes / 1e6, 1),
        )
    )
    if saved.with_keys:
        face.say(Message("It holds the keys of the site: whoever has this file can read everything"), error=True)
        if not encrypted:
            face.say(Message("It is not encrypted; --key-file or --passphrase would"), error=True)
    else:
        face.say(Message("The keys of the site are NOT in it: keep data/secret_key elsewhere, for without"), error=True)
        face.say(Message("it nobody can read secret fields and second factors again (--with-keys)"), error=True)
    for checksum in saved.missing:
        face.say(Message("An attachment is missing or damaged: {checksum}", checksum=checksum), error=True)
    for name in saved.left_out:
        face.say(Message("Left out, for its name would not do elsewhere: {name}", name=repr(name)), error=True)


def _facts(saved: SavedBackup) -> dict[str, object]:
    return {
        "file": str(saved.file),
        "bytes": saved.bytes,
        "sha256": saved.sha256,
        "rows": saved.rows,
        "files": saved.files,
        "missing": list(saved.missing),
        "left_out": list(saved.left_out),
        "with_keys": saved.with_keys,
    }


def _verify(face: Face, file: Path, lock: BackupLock | None) -> int:
    total = file.stat().st_size if file.is_file() else 0
    with face.progress(Message("Reading"), total) as move:
        saved = check_backup(file, lock, move)
    face.say(
        Message("{file} is whole: {rows} rows, {files} attachments", file=str(file), rows=saved.rows, files=saved.files)
    )
    face.answer(_facts(saved))
    return DONE


@click.command(cls=Command)
@shared
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), callback=existing)
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the new site; the one of --site unless given.",
    cls=Option,
)
@click.option("--database", help="Its database; the one that the backup names unless given.", cls=Option)
@_key_file
@_passphrase
@click.option("--force", is_flag=True, help="Move what is in the folder aside first.", cls=Option)
@pass_face
def restore(
    face: Face,
    file: Path,
    folder: Path | None,
    database: str | None,
    key_file: Path | None,
    passphrase: bool,  # noqa: FBT001 - click's own shape
    force: bool,  # noqa: FBT001 - as above
) -> int:
    """Make a site of a backup, in an empty folder and an empty database."""
    lock = lock_of(face, key_file, passphrase=passphrase, new=False)
    with face.progress(Message("Restoring"), file.stat().st_size * 8) as move:
        done = restore_backup(
            file, folder or face.site_folder, database=database, lock=lock, force=force, progress=move
        )
    face.say(
        Message(
            "Restored {rows} rows and {files} attachments into {folder}, {database}",
            rows=done.rows,
            files=done.files,
            folder=str(done.folder),
            database=done.database,
        )
    )
    if done.aside is not None:
        face.say(Message("What was there lies in {folder}", folder=str(done.aside)))
    if done.new_key:
        face.say(Message("The backup has no keys: put the site's data/secret_key back, or its secret"), error=True)
        face.say(Message("fields stay closed and everybody signs in anew"), error=True)
    if done.held:
        face.say(
            Message("{count} jobs that had not ended are paused; `guanxi jobs go-on` lets them go on", count=done.held)
        )
    for checksum in done.missing:
        face.say(Message("An attachment is missing or damaged: {checksum}", checksum=checksum), error=True)
    face.answer(
        {
            "folder": str(done.folder),
            "database": done.database,
            "rows": done.rows,
            "files": done.files,
            "missing": list(done.missing),
            "revision": done.revision,
            "new_key": done.new_key,
            "paused_jobs": done.held,
            "aside": str(done.aside) if done.aside is not None else None,
        }
    )
    return SOME_FAILED if done.missing else DONE


def lock_of(face: Face, key_file: Path | None, *, passphrase: bool, new: bool) -> BackupLock | None:
    """Return what encrypts or opens a backup; None for nothing.

    Raises:
        GuanxiError: both are given, or what is given is too short.
    """
    if key_file is not None and passphrase:
        raise GuanxiError(Message("Say either --key-file or --passphrase"))
    if key_file is not None:
        data = key_file.read_bytes()
        if len(data) < _LEAST_KEY:
            raise GuanxiError(
                Message("{file} is too short for a key: {count} bytes are", file=str(key_file), count=_LEAST_KEY)
            )
        return BackupLock(data, "file")
    if not passphrase:
        return None
    words = os.environ.get(PASSPHRASE) or click.prompt(
        face.words(Message("Passphrase")), hide_input=True, confirmation_prompt=new, err=True
    )
    if new and len(words) < _LEAST_PASSPHRASE:
        raise GuanxiError(Message("A passphrase needs at least {count} characters", count=_LEAST_PASSPHRASE))
    return BackupLock(words.encode(), "passphrase")
