"""What is going away: objects and fields that programs shall stop using, since when, until when, and what instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from engine.i18n import Message
from engine.metadata.model import Deprecation
from engine.metadata.report import Path, Report


def deprecation(
    report: Report, doc: str, path: Path, body: Mapping[str, Any], others: Iterable[str]
) -> Deprecation | None:
    """Return what `deprecated` says at a path of a document; None when it is not said, or wrong.

    Args:
        report: is told of what is wrong.
        doc: id of the document.
        path: leads to the entity or field.
        body: what the document says of it.
        others: keys of what may be used instead.
    """
    said = body.get("deprecated")
    if not isinstance(said, Mapping):
        return None
    place: Path = (*path, "deprecated")
    since, until = _day(report, doc, place, said, "since"), _day(report, doc, place, said, "until")
    if since is not None and until is not None and until <= since:
        message = Message("it is gone before it is deprecated: {until} is not after {since}", until=until, since=since)
        report.error(doc, (*place, "until"), message, code="order")
    use, known = said.get("use"), list(others)
    if use is not None and use not in known:
        message = Message("there is no {name} that could be used instead", name=repr(use))
        report.unknown(doc, (*place, "use"), message, use, known)
    return None if since is None else Deprecation(since, until, use)


def _day(report: Report, doc: str, path: Path, said: Mapping[str, Any], key: str) -> date | None:
    given = said.get(key)
    if given is None:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        report.error(doc, (*path, key), Message("{name} is no day", name=repr(given)), code="no_date")
        return None
