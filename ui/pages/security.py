"""The security dashboard: sign-ins, failures, exports and looks at masked values of the last days, and the chain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import orjson
from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from engine import Message, Reader, Wanted, alert_labels, network_of, now
from ui.asking import language, reading, site
from ui.frame import notice, page, words
from ui.pages.audit import require_audit
from ui.widgets.moments import day_writer

routes = Blueprint("security", __name__, url_prefix="/admin/security")

SPANS = (7, 30, 90)
_TOP = 8
_HEIGHT = 120
_METHODS = {
    "password": Message("Password"),
    "totp": Message("Authenticator app"),
    "passkey": Message("Passkey"),
    "recovery": Message("Recovery code"),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the chart, in units of its drawing."""

    label: str
    good: int
    bad: int
    x: int
    good_height: int
    bad_height: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """One line of a table of the most."""

    label: str
    address: str
    """Where it leads in the log, or ""."""
    number: int
    share: int
    """Of the most, in percent."""


@routes.get("")
def dashboard() -> str:
    """Show the last days at a glance."""
    with reading() as reader:
        require_audit(reader)
        given = request.args.get("days", "30")
        days = int(given) if given.isdecimal() and int(given) in SPANS else 30
        since = now() - timedelta(days=days)
        chart = _chart(reader, days)
        spoken, labels = language(), alert_labels(reader.model)
        rang = site().alarms.inbox.counts(reader.connection, since)
        counted = {kind: (count, number) for kind, count, number in _counts(reader, Wanted(since=since), "kind")}
        return page(
            "security.html",
            reader,
            days=days,
            spans=SPANS,
            chart=chart,
            tiles=_tiles(counted, sum(fresh for _, _, fresh in rang)),
            places=_places(reader, "sign_in", since),
            failures=_places(reader, "sign_in_failed", since),
            methods=_methods(reader, since),
            exports=_people(reader, "export", since, summed=True),
            reveals=_people(reader, "reveal", since),
            alerts=_ranked(
                (labels[name].in_(spoken) if name in labels else name, f"/admin/alerts?state=all&alert={name}", count)
                for name, count, _ in rang
            ),
            head=site().trail.head(),
        )


@routes.post("/check")
def check() -> Response:
    """Check the whole chain of the log, and say what came of it."""
    with reading() as reader:
        require_audit(reader)
    found = site().trail.vouch()
    if found.broken is not None:
        notice(Message("The log was tampered with: {why}", why=found.broken.said), "danger")
    else:
        notice(Message("{count} events were checked: nobody has changed them", count=f"{found.events:,}"))
    return redirect("/admin/security", 303)


def _counts(reader: Reader, wanted: Wanted, *by: str) -> list[tuple[Any, ...]]:
    return site().trail.counts(reader.connection, wanted, by)


def _tiles(counted: Mapping[str, tuple[int, int]], fresh: int) -> list[tuple[str, str, str]]:
    """Return (what, how many, address)."""
    rows = counted.get("export", (0, 0))[1]
    return [
        (words("Sign-ins"), f"{counted.get('sign_in', (0, 0))[0]:,}", "/admin/audit?kind=sign_in"),
        (words("Failed sign-ins"), f"{counted.get('sign_in_failed', (0, 0))[0]:,}", "/admin/audit?kind=sign_in_failed"),
        (words("Exported records"), f"{rows:,}", "/admin/audit?kind=export"),
        (words("Masked values revealed"), f"{counted.get('reveal', (0, 0))[0]:,}", "/admin/audit?kind=reveal"),
        (words("New alerts"), f"{fresh:,}", "/admin/alerts?state=new"),
    ]


def _chart(reader: Reader, days: int) -> Sequence[Bar]:
    today: date = now().date()
    first = today - timedelta(days=days - 1)
    since = now() - timedelta(days=days)
    good, bad = (
        {row[0]: row[1] for row in _counts(reader, Wanted(kinds=(kind,), since=since), "day")}
        for kind in ("sign_in", "sign_in_failed")
    )
    most = max([*good.values(), *bad.values(), 1])
    write = day_writer(language())
    bars = []
    for place in range(days):
        day = first + timedelta(days=place)
        key = day.isoformat()
        counts = good.get(key, 0), bad.get(key, 0)
        heights = [round(each * _HEIGHT / most) for each in counts]
        bars.append(Bar(write(day, today.year), *counts, place * 10, *heights))
    return bars


def _places(reader: Reader, kind: str, since: Any) -> list[Ranked]:
    """Return the networks that something came from, the most first."""
    sums: dict[str, int] = {}
    for address, count, _ in _counts(reader, Wanted(kinds=(kind,), since=since), "address"):
        network = network_of(address) or words("Unknown")
        sums[network] = sums.get(network, 0) + count
    return _ranked((network, "", count) for network, count in sums.items())


def _methods(reader: Reader, since: Any) -> list[Ranked]:
    """Return how people signed in; the details say it, and there are only few different ones."""
    sums: dict[str, int] = {}
    for details, count, _ in _counts(reader, Wanted(kinds=("sign_in",), since=since), "details"):
        method = str(orjson.loads(details).get("method") or "")
        label = words(_METHODS[method].template) if method in _METHODS else method or words("Unknown")
        sums[label] = sums.get(label, 0) + count
    return _ranked((label, "", count) for label, count in sums.items())


def _people(reader: Reader, kind: str, since: Any, *, summed: bool = False) -> list[Ranked]:
    rows = [
        (str(actor), number if summed else count)
        for actor, count, number in _counts(reader, Wanted(kinds=(kind,), since=since), "actor_id")
        if actor is not None
    ]
    names = reader.titles("user", [actor for actor, _ in rows])
    return _ranked(
        (names.get(actor, actor), f"/admin/audit?kind={kind}&person={actor}", number) for actor, number in rows
    )


def _ranked(rows: Iterable[tuple[str, str, int]]) -> list[Ranked]:
    listed = sorted(rows, key=lambda each: -each[2])[:_TOP]
    most = max((each[2] for each in listed), default=1) or 1
    return [Ranked(label, address, number, round(number * 100 / most)) for label, address, number in listed]
