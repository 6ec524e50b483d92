"""One's own settings: language, time zone, how the site looks, what comes first, and what keys do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from engine import LANGUAGES, SYSTEM, TASTES, Change, Message, Reader, RecordInvalid
from ui import cookies
from ui.asking import LANGUAGE_COOKIE, language, principal, reading, site
from ui.frame import THEME_COOKIE, THEMES, Entry, entries, notice, page, theme, words
from ui.pages.account import own
from ui.safe import own_path

HOME = "/login/account/settings"
_A_YEAR = 31_536_000
_CHOSEN = ("theme", "accent", "density", "first_day")

routes = Blueprint("preferences", __name__)


@dataclass(frozen=True, slots=True)
class Said:
    """What stands in the form: as stored, or as it was sent and refused."""

    values: dict[str, str]
    problems: dict[str, Message]


@routes.get(HOME)
def settings() -> str:
    """Show the settings of who asks."""
    own()
    return _page(None)


@routes.post(HOME)
def keep() -> Response:
    """Keep what was chosen; what cannot be is told at its place, and nothing is kept then."""
    who = own()
    given = {key: request.form.get(key, "").strip() for key in (*_CHOSEN, "language", "timezone", "start")}
    given["shortcuts"] = "on" if "shortcuts" in request.form else "off"
    problems = _problems(given)
    if not problems:
        try:
            site().settings.keep(who, {key: given[key] for key in (*_CHOSEN, "start", "shortcuts", "language")})
        except RecordInvalid as refused:
            problems = {each.path: each.message for each in refused.problems}
    if problems:
        return make_response(_page(Said(given, problems)), 422)
    _keep_person(who.id, who.language, given)
    response = redirect(HOME, 303)
    remember(response, given["language"], given["theme"])
    notice(Message("Settings saved"))
    return response


@routes.post(f"{HOME}/tour")
def tour() -> Response:
    """Note that somebody has been shown around, or does not want to be."""
    site().settings.keep(own(), {"tour": "due" if request.form.get("again") else "seen"})
    return redirect(own_path(request.form.get("back", "")), 303)


def remember(response: Response, spoken: str, look: str) -> None:
    """Let this browser know language and appearance too: pages before the sign-in go by it."""
    if spoken in LANGUAGES:
        cookies.keep(response, LANGUAGE_COOKIE, spoken, seconds=_A_YEAR)
    if look in THEMES:
        cookies.keep(response, THEME_COOKIE, look, seconds=_A_YEAR)


def _problems(given: dict[str, str]) -> dict[str, Message]:
    found: dict[str, Message] = {}
    if given["language"] not in LANGUAGES:
        found["language"] = Message("This cannot be chosen")
    if given["timezone"] and given["timezone"] not in available_timezones():
        found["timezone"] = Message("There is no time zone {name}", name=given["timezone"])
    if given["start"] and own_path(given["start"], "") != given["start"]:
        found["start"] = Message("This cannot be chosen")
    return found


def _keep_person(user_id: str | None, spoken: str, given: dict[str, str]) -> None:
    """Keep what stands in the person's own record, which mails and rules go by too."""
    if user_id is None:
        return
    values: dict[str, Any] = {"timezone": given["timezone"] or None}
    if given["language"] != spoken:
        values["language"] = given["language"]
    # Nobody needs a right to change users for a taste of their own.
    site().records.update(SYSTEM, "user", [Change(user_id, values)], via="web")


@cache
def _zones() -> tuple[str, ...]:
    named = (each for each in available_timezones() if "/" in each and not each.startswith(("Etc", "SystemV")))
    return tuple(sorted(named))


def _page(said: Said | None) -> str:
    who = principal()
    with site().reading(SYSTEM) as looking:
        own_zone = looking.record("user", who.id or "", ("timezone",)).values()["timezone"] or ""
    tastes = who.tastes
    stored = {key: getattr(tastes, key) for key in (*_CHOSEN, "start", "shortcuts")}
    stored |= {"theme": tastes.theme or theme(), "language": language(), "timezone": own_zone}
    with reading() as reader:
        return page(
            "preferences.html",
            reader,
            values=said.values if said is not None else stored,
            problems={key: each.in_(language()) for key, each in (said.problems if said is not None else {}).items()},
            zones=_zones(),
            site_zone=reader.model.timezone,
            places=_places(reader),
            accents=[each for each in TASTES["accent"] if each],
        )


def _places(reader: Reader) -> list[tuple[str, str]]:
    """Return (address, label) of where somebody may want to begin: what the navigation offers."""

    def flat(entry: Entry) -> list[tuple[str, str]]:
        inner = [(address, f"{entry.label} · {label}") for each in entry.entries for address, label in flat(each)]
        return ([(entry.address, entry.label)] if entry.address.startswith("/") else []) + inner

    return [("", words("Home")), *(found for entry in entries(reader, language()) for found in flat(entry))]
