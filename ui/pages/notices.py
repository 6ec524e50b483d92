"""Notices: what somebody is told, in a panel and on a page of its own, and how they want to be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from engine import (
    MAIL_WAY_LABELS,
    NOTICE_LABELS,
    NoticeSettings,
    Reader,
    RecordInvalid,
    ToldNotice,
    asked_settings,
    is_id,
    notice_sentence,
)
from engine import Message as Said
from ui.asking import language, principal, reading, site
from ui.bell import Bell, bell_of
from ui.frame import notice, page, said
from ui.pages.listing import locale_of
from ui.safe import own_path
from ui.widgets.moments import moment_writer, zone

PAGE, PANEL = 50, 12
HOME = "/login/account/notices"
_ICONS = {
    "mention": "message-circle", "comment": "message", "assigned": "user-check", "shared": "share",
    "moved": "arrow-right", "job": "list-check",
}  # fmt: skip

routes = Blueprint("notices", __name__, url_prefix=HOME)


@dataclass(frozen=True, slots=True)
class Shown:
    """One notice, in the reader's language."""

    id: str
    icon: str
    said: str
    words: str
    when: str
    iso: str
    unread: bool


@routes.get("")
def inbox() -> str:
    """Show what somebody was told, the latest first."""
    with reading() as reader:
        found, more = _shown(reader, PAGE, _cursor())
        count = _unread(reader)
        return page("notices.html", reader, tolds=found, more=more, unread=count, alarms=_alarms(reader))


@routes.get("/panel")
def panel() -> str:
    """Show the latest below the bell."""
    with reading() as reader:
        found, more = _shown(reader, PANEL, None)
        return render_template("_notice_panel.html", tolds=found, more=more, alarms=_alarms(reader))


@routes.get("/bell")
def bell() -> Response | str:
    """Return the number beside the bell when it is another one than the page has."""
    with reading() as reader:
        who, known = reader.principal.id, site().notices
        if who is not None:
            known.unread.look(who, lambda: known.count(reader.connection, who))
        rung = bell_of(reader) or Bell(0, None)
    if request.args.get("n", type=int) == rung.number:
        return Response(status=204)
    return render_template("_bell_count.html", rung=rung)


@routes.post("")
def mark() -> Response:
    """Note that notices were read: one, or all of them."""
    one = request.form.get("id", "")
    site().notices.mark(principal(), [one] if is_id(one) else None, read=request.form.get("read", "1") == "1")
    if not one:
        notice(Said("Everything is read"))
    return redirect(own_path(request.form.get("back", ""), HOME), 303)


@routes.get("/<uuid:notice_id>")
def go(notice_id: Any) -> Response:
    """Lead to what a notice is about; it is read with that."""
    id_ = str(notice_id)
    with reading() as reader:
        who, known = reader.principal, site().notices
        found = known.one(reader, id_)
    if who.viewer is None:
        known.mark(who, [id_])
    return redirect(_address(found) if found is not None else HOME, 303)


@routes.route("/settings", methods=["GET", "POST"])
def settings() -> Response | str:
    """Show how somebody wants to be told, and keep it."""
    problems: dict[str, str] = {}
    typed: NoticeSettings | None = None
    if request.method == "POST":
        try:
            typed = asked_settings(request.form)
            site().notices.keep_settings(principal(), typed)
        except RecordInvalid as refused:
            problems = {each.path: each.message.in_(language()) for each in refused.problems}
        else:
            notice(Said("Saved"))
            return redirect(f"{HOME}/settings", 303)
    with reading() as reader:
        kept = site().notices.settings(reader.connection, reader.principal.id or "")
        html = page(
            "notice_settings.html",
            reader,
            kinds=[(key, said(label), kept.way(key)) for key, label in NOTICE_LABELS.items()],
            ways=[(key, said(label)) for key, label in MAIL_WAY_LABELS.items()],
            kept=kept,
            typed=request.form if problems else None,
            problems=problems,
            timezone=reader.principal.timezone,
        )
    return make_response(html, 422 if problems else 200)


# --- parts


def _unread(reader: Reader) -> int:
    who = reader.principal.id
    return site().notices.count(reader.connection, who) if who is not None else 0


def _alarms(reader: Reader) -> int | None:
    return site().alarms.unread if reader.access.has("audit") else None


def _shown(reader: Reader, limit: int, before: tuple[datetime, str] | None) -> tuple[list[Shown], str]:
    """Return (notices, address of the next page)."""
    found, following = site().notices.page(reader, limit, before)
    place, year = zone(locale_of(reader).timezone), reader.access.env()["today"].year
    write = moment_writer(language())
    more = ""
    if following is not None:
        cursor = f"{following[0].isoformat(timespec='milliseconds')}~{following[1]}"
        more = f"{HOME}?{urlencode({'cursor': cursor})}"
    shown = [
        Shown(
            each.notice.id,
            _ICONS.get(each.notice.kind, "bell"),
            notice_sentence(reader.model, each).in_(language()),
            each.words,
            write(each.notice.at.astimezone(place), year),
            each.notice.at.isoformat(),
            each.notice.read_at is None,
        )
        for each in found
    ]
    return shown, more


def _cursor() -> tuple[datetime, str] | None:
    moment, _, id_ = request.args.get("cursor", "").partition("~")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return (at, id_) if at.tzinfo is not None and is_id(id_) else None


def _address(told: ToldNotice) -> str:
    """Return where what a notice is about stands."""
    each = told.notice
    if each.kind == "job":
        return f"/login/account/jobs/{each.details['job']}" if each.details.get("job") else "/login/account/jobs"
    if each.entity is None:
        return HOME
    if each.record_id is None:
        return f"/{each.entity}"
    place = f"/{each.entity}/{each.record_id}"
    return f"{place}/stream" if each.kind in {"mention", "comment"} else place
