"""Backups: a whole site in one file, checked by every byte, and back."""

from engine.backup.container import Lock as BackupLock
from engine.backup.nightly import nightly_backup
from engine.backup.problems import BackupUnusable
from engine.backup.restoring import Restored as RestoredBackup
from engine.backup.restoring import restore as restore_backup
from engine.backup.retention import Kept as KeptBackups
from engine.backup.retention import file_name as backup_name
from engine.backup.retention import keep_some as keep_some_backups
from engine.backup.saving import Saved as SavedBackup
from engine.backup.saving import checked as check_backup
from engine.backup.saving import estimate as backup_size
from engine.backup.saving import save as save_backup

__all__ = [
    "BackupLock",
    "BackupUnusable",
    "KeptBackups",
    "RestoredBackup",
    "SavedBackup",
    "backup_name",
    "backup_size",
    "check_backup",
    "keep_some_backups",
    "nightly_backup",
    "restore_backup",
    "save_backup",
]
