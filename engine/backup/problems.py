"""What is said of a backup that cannot be used."""

from __future__ import annotations

from engine.errors import GuanxiError
from engine.i18n import Message


class BackupUnusable(GuanxiError):
    """A backup is damaged, made by a newer version, or locked; nothing was touched."""


def damaged(why: Message) -> BackupUnusable:
    """Return the error for a file that is not as it was written."""
    return BackupUnusable(Message("The backup is damaged: {why}", why=why))
