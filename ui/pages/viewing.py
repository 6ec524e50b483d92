"""View as: an administrator chooses a person, sees everything as they do, and stops."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from engine import AccessDenied, Entity, Message, NotFound, Reader, Row, SignInNeeded
from ui import cookies, viewing
from ui.asking import VIEW_COOKIE, language, reading, site
from ui.frame import notice, page, words
from ui.pages.acts import Act, register

routes = Blueprint("viewing", __name__)


@register
def _view_as(reader: Reader, entity: Entity, row: Row) -> Iterable[Act]:
    own = reader.principal.viewer is None and reader.access.has("admin")
    if entity.key == "user" and own and row.id != reader.principal.id:
        yield Act(words("View as this person"), f"/admin/view-as/{row.id}", "eye", "post", order=60)


@routes.get("/admin/view-as")
def choose() -> str:
    """Ask as whom the site is to be seen."""
    return _asked("", "")


@routes.post("/admin/view-as")
def named() -> Response:
    """Begin to look as the person whose name or email was typed."""
    name = request.form.get("person", "").strip()
    with reading() as reader:
        _require(reader)
    try:
        found = site().identity.find(name)
    except NotFound as wrong:
        return make_response(_asked(name, wrong.in_(language())), 422)
    return _begin(found.id)


@routes.post("/admin/view-as/<uuid:user_id>")
def this(user_id: object) -> Response:
    """Begin to look as the person of a record."""
    with reading() as reader:
        _require(reader)
    return _begin(str(user_id))


@routes.post(viewing.STOP)
def stop() -> Response:
    """See the site as oneself again."""
    user_id = viewing.end()
    if user_id:
        notice(Message("You see the site as yourself again"))
    response = redirect(f"/user/{user_id}" if user_id else "/", 303)
    cookies.forget(response, VIEW_COOKIE)
    return response


def _begin(user_id: str) -> Response:
    try:
        secret = viewing.begin(user_id)
    except SignInNeeded:
        refusal = Message("This person may not sign in, so there is nothing to see as them").in_(language())
        return make_response(_asked("", refusal), 422)
    except NotFound as wrong:
        return make_response(_asked("", wrong.in_(language())), 422)
    response = redirect("/", 303)
    cookies.keep(response, VIEW_COOKIE, secret)
    return response


def _require(reader: Reader) -> None:
    if not reader.access.has("admin"):
        raise AccessDenied(Message("Only an administrator may view as somebody else"), entity="user", action="read")


def _asked(typed: str, refusal: str) -> str:
    with reading() as reader:
        _require(reader)
        return page("view_as.html", reader, typed=typed, refusal=refusal)
