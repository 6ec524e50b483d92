"""Programs are told what is going away: in the headers of the answer to whoever names it.

`Deprecation` is RFC 9745, `Sunset` RFC 8594; each object and field has a `Link` to its description of its own. What is
only among all fields of an answer is not named: who wants to know it reads the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from email.utils import format_datetime

from flask import g, request

from engine import Deprecated, Reader, named_deprecated
from ui.headers import also

EXPOSED = "Deprecation, Sunset, Link"
"""Headers that pages of other origins may read."""
DESCRIBED = "/api/docs"
_ANSWERED = 400


def named(reader: Reader, entity: str, paths: Iterable[str] = ()) -> None:
    """Remember what a request names, to be told with its answer if it is not refused."""
    found = named_deprecated(reader.access, entity, paths)
    if found:
        g.deprecated = [*g.get("deprecated", ()), *found]


def tell(status: int) -> None:
    """Put what is known of the things that were named into the headers of the answer."""
    found: list[Deprecated] = list(dict.fromkeys(g.get("deprecated", ())))
    if not found or status >= _ANSWERED:
        return
    environ = request.environ
    also(environ, "Deprecation", f"@{int(_start(min(each.about.since for each in found)).timestamp())}")
    ends = [each.about.until for each in found if each.about.until is not None]
    if ends:
        also(environ, "Sunset", format_datetime(_start(min(ends)), usegmt=True))
    also(environ, "Link", ", ".join(map(_link, found)))


def _link(what: Deprecated) -> str:
    relations = "deprecation sunset" if what.about.until is not None else "deprecation"
    link = f'<{DESCRIBED}#/{what.entity}>; rel="{relations}"; type="text/html"; title="{what.name}"'
    if what.field is None and what.about.use is not None:
        link += f', </api/v1/{what.about.use}>; rel="successor-version"'
    return link


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
