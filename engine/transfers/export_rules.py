"""What a site says of exports, what one person may, and what a file is called on its way to its owner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from engine.data.files import clean_name
from engine.data.transfer import ExportOptions
from engine.errors import FieldProblem, RecordInvalid
from engine.i18n import Message
from engine.metadata.model import Entity

EXPORT_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/x-ndjson",
    "zip": "application/zip",
}


@dataclass(frozen=True, slots=True)
class ExportRules:
    """What a site says of exports."""

    rows: int = 0
    """Records of one export; 0 = as many as there are."""
    at_once: int = 2_000
    """Records up to which a file is made while somebody waits."""
    days: int = 3
    """How long a file is kept."""
    bytes: int = 0
    """What the files of the records of one export may have together; 0 = any number."""
    reason: bool = False
    """Whether everybody says why they export."""
    about: bool = True
    """Whether spreadsheets say who exported what, unless somebody asks for less."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one person may export of one entity at a time."""

    rows: int | None
    """Records; None = as many as there are."""
    reason: bool
    """Whether they say why."""

    def require_reason(self, options: ExportOptions) -> None:
        """Refuse an export without a reason where one is needed.

        Raises:
            RecordInvalid: so it is.
        """
        if self.reason and not options.reason:
            raise RecordInvalid([FieldProblem("reason", Message("Please say why you export this"), "required")])


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file on its way to its owner."""

    name: str
    mimetype: str
    size: int
    blocks: Iterator[bytes]


def file_name(entity: Entity, options: ExportOptions, moment: datetime) -> str:
    """Return what a file is called: the records in the language of who exports, and when."""
    words = str(entity.plural.in_(options.language)).replace("/", "-")
    return clean_name(f"{words} {moment:%Y-%m-%d %H%M}.{options.suffix}")
