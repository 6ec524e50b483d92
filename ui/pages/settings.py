"""The quick switch of language and appearance, on every page and before the sign-in."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from engine import LANGUAGES, SYSTEM, Change, SignInNeeded
from ui.asking import principal, site
from ui.frame import THEMES
from ui.pages.preferences import remember
from ui.safe import own_path

routes = Blueprint("settings", __name__)


@routes.post("/settings")
def settings() -> Response:
    """Keep what was chosen, and go back to where it was chosen."""
    response = redirect(own_path(request.form.get("back", "")), 303)
    language, theme = request.form.get("language", ""), request.form.get("theme", "")
    remember(response, language, theme)
    _remember(language if language in LANGUAGES else "", theme if theme in THEMES else "")
    return response


def _remember(language: str, theme: str) -> None:
    """Keep it with the person, which mails and other browsers go by."""
    try:
        who = principal()
    except SignInNeeded:
        return
    if who.id is None or who.scopes is not None:
        return
    if language and who.language != language:
        # Nobody needs a right to change users for a taste of their own.
        site().records.update(SYSTEM, "user", [Change(who.id, {"language": language})], via="web")
    chosen = {"language": language, "theme": theme}
    fresh = {key: value for key, value in chosen.items() if value and getattr(who.tastes, key) != value}
    if fresh:
        site().settings.keep(who, fresh)
