"""Language and theme: kept in the browser, and the language of a signed-in person in their user record."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from engine import LANGUAGES, SYSTEM, Change, SignInNeeded
from ui import cookies
from ui.asking import LANGUAGE_COOKIE, principal, site
from ui.frame import THEME_COOKIE, THEMES
from ui.safe import own_path

_A_YEAR = 31_536_000

routes = Blueprint("settings", __name__)


@routes.post("/settings")
def settings() -> Response:
    """Keep what was chosen, and go back to where it was chosen."""
    response = redirect(own_path(request.form.get("back", "")), 303)
    language, theme = request.form.get("language", ""), request.form.get("theme", "")
    if language in LANGUAGES:
        _keep(response, LANGUAGE_COOKIE, language)
        _remember(language)
    if theme in THEMES:
        _keep(response, THEME_COOKIE, theme)
    return response


def _remember(language: str) -> None:
    """Keep the language in the person's own record, which mails and other browsers go by."""
    try:
        who = principal()
    except SignInNeeded:
        return
    if who.id is not None and who.language != language:
        # Nobody needs a right to change users for a taste of their own.
        site().records.update(SYSTEM, "user", [Change(who.id, {"language": language})], via="web")


def _keep(response: Response, name: str, value: str) -> None:
    cookies.keep(response, name, value, seconds=_A_YEAR)
