"""Saved views: save what a list shows under a name, share it, arrange views, and take them along as documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from engine import Audience, Message, NotFound, Query, Reader, RecordInvalid, SavedView
from ui.asking import principal, reading, site
from ui.frame import notice, page, said
from ui.pages.list_state import carried, shown_of
from ui.pages.listing import PAGE, Listing, entity_of
from ui.pages.view_documents import document_of, may_see_documents
from ui.pages.view_tabs import known_tabs

MOST_GROUPS = 200
"""Teams or departments that the form offers."""

routes = Blueprint("views", __name__)


# --- saving


@routes.get("/<entity>/views/new")
def new(entity: str) -> str:
    """Ask for the name of a view of what the list shows."""
    with reading() as reader:
        asked = carried(reader, entity)
        name = said(asked.wanted.view.title) if asked.wanted.saved is not None else ""
        return _form(reader, asked, name)


@routes.post("/<entity>/views")
def create(entity: str) -> Response:
    """Save what the list shows as a new view."""
    with reading() as reader:
        asked = carried(reader, entity)
        shown, access = shown_of(reader, asked), reader.access
        audience = audience_of(reader, None)
    try:
        made = site().views.save(access, entity, request.form.get("name", ""), shown, audience)
    except RecordInvalid as error:
        with reading() as reader:
            asked = carried(reader, entity)
            form = _form(reader, asked, request.form.get("name", ""), audience, _told(error))
            return make_response(form, 422)
    _after(entity, made)
    notice(Message("The view was saved"))
    return redirect(f"/{entity}?{urlencode({'view': made})}", 303)


def _after(entity: str, view: str) -> None:
    who = principal()
    if request.form.get("first"):
        site().views.arrange(who, entity, first=view)


@routes.post("/<entity>/views/<view>/save")
def save(entity: str, view: str) -> Response:
    """Save what the list shows into the view that it shows; of a view of the site, into a new one."""
    with reading() as reader:
        asked = carried(reader, entity)
        shown, access, saved = shown_of(reader, asked), reader.access, asked.wanted.saved
    if saved is None or saved.id != view:
        return redirect(asked.wanted.address("/views/new", cursor="", rows=PAGE), 303)
    site().views.save(access, entity, saved.name, shown, id_=saved.id)
    site().views.arrange(principal(), entity, columns={saved.id: ()})
    notice(Message("The view was saved"))
    return redirect(f"/{entity}?{urlencode({'view': saved.id})}", 303)


@routes.post("/<entity>/views/<view>/discard")
def discard(entity: str, view: str) -> Response:
    """Show the view as it is kept."""
    with reading() as reader:
        asked = carried(reader, entity)
        saved = asked.wanted.saved
    if saved is not None and asked.arranged:
        site().views.arrange(principal(), entity, columns={saved.id: ()})
    plain = asked.wanted.is_default
    return redirect(f"/{entity}" if plain else f"/{entity}?{urlencode({'view': asked.wanted.view.key})}", 303)


# --- one view


@routes.get("/<entity>/views/<uuid:view>")
def edit(entity: str, view: Any) -> str:
    """Show the name of a view and with whom it is shared."""
    with reading() as reader:
        entity_of(reader, entity)
        saved = saved_view(reader, entity, str(view))
        return _edit(reader, saved, saved.name)


@routes.post("/<entity>/views/<uuid:view>")
def change(entity: str, view: Any) -> Response:
    """Rename, share, duplicate or delete a view."""
    act, views = request.form.get("act", ""), site().views
    with reading() as reader:
        entity_of(reader, entity)
        saved, access = saved_view(reader, entity, str(view)), reader.access
        audience = audience_of(reader, saved.audience)
    if act == "delete":
        views.delete(access, saved.id)
        notice(Message("The view “{name}” was deleted", name=saved.name))
        return redirect(f"/{entity}/views", 303)
    if act == "duplicate":
        name = Message("{name} (copy)", name=saved.name)
        made = views.save(access, entity, said(name), saved.shown, Audience())
        return redirect(f"/{entity}/views/{made}", 303)
    try:
        views.save(access, entity, request.form.get("name", ""), saved.shown, audience, id_=saved.id)
    except RecordInvalid as error:
        with reading() as reader:
            return make_response(_edit(reader, saved, request.form.get("name", ""), _told(error)), 422)
    _after(entity, saved.id)
    notice(Message("The view was saved"))
    return redirect(f"/{entity}?{urlencode({'view': saved.id})}", 303)


def saved_view(reader: Reader, entity: str, id_: str) -> SavedView:
    """Return a view of an entity that who reads may open.

    Raises:
        NotFound: there is none.
    """
    found = site().views.get(reader.connection, reader.principal, id_)
    if found.entity != entity:
        raise NotFound(Message("There is no such view"))
    return found


def _told(error: RecordInvalid) -> str:
    return said(error.problems[0].message)


def _form(reader: Reader, asked: Listing, name: str, audience: Audience | None = None, problem: str = "") -> str:
    wanted = asked.wanted
    return page(
        "view_form.html", reader, entity=wanted.entity, saved=None, name=name, problem=problem,
        state=wanted.address(cursor="", rows=PAGE).partition("?")[2], back=wanted.address(cursor="", rows=PAGE),
        may_change=True, document="", **sharing_of(reader, audience or Audience()),
    )  # fmt: skip


def _edit(reader: Reader, saved: SavedView, name: str, problem: str = "") -> str:
    entity = reader.model.entity(saved.entity)
    return page(
        "view_form.html", reader, entity=entity, saved=saved, name=name, problem=problem, state="",
        back=f"/{entity.key}/views", may_change=site().views.may_change(reader.access, saved),
        document=document_of(reader, saved) if may_see_documents(reader) else "", **sharing_of(reader, saved.audience),
    )  # fmt: skip


# --- with whom


def sharing_of(reader: Reader, now: Audience) -> dict[str, Any]:
    """Return what the form of sharing needs: with whom now, and with whom somebody may share."""
    publishes = site().views.may_publish(reader.access)
    who, model = reader.principal, reader.model
    roles = [(key, said(role.label)) for key, role in model.roles.items() if publishes or key in now.roles]
    teams = _named(reader, "team", {*who.teams, *now.teams}, everything=publishes)
    own = {who.department} if who.department else set()
    departments = _named(reader, "department", {*own, *now.departments}, everything=publishes)
    return {"audience": now, "publishes": publishes, "roles": roles, "teams": teams, "departments": departments}


def _named(reader: Reader, entity: str, ids: set[str], *, everything: bool) -> Sequence[tuple[str, str]]:
    """Return (id, title) of teams or departments that somebody may share with."""
    found = set(ids)
    if everything and entity in reader.model.entities and reader.access.may(entity, "read"):
        found |= set(reader.query(Query(entity, select=("id",), limit=MOST_GROUPS)).ids)
    if entity not in reader.model.entities:
        return ()
    return sorted(reader.titles(entity, found).items(), key=lambda each: each[1].casefold())


def audience_of(reader: Reader, before: Audience | None) -> Audience:
    """Return with whom a posted form shares."""
    if "audience" not in request.form and before is not None:
        return before
    if request.form.get("audience") == "everyone":
        return Audience(everyone=True)
    if request.form.get("audience") != "some":
        return Audience()
    offered = sharing_of(reader, before or Audience())
    kept = {
        name: tuple(key for key, _title in offered[name] if key in request.form.getlist(name))
        for name in ("teams", "departments", "roles")
    }
    return Audience(everyone=False, **kept)


# --- all views


@routes.get("/<entity>/views")
def arrange(entity: str) -> str:
    """Show every view, in the order and with the marks that who reads gave them."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        known = site().views.of(reader.connection, reader.principal, entity)
        first = next(iter(known.first_for(reader.principal)), reader.model.default_view(entity).key)
        publishes = site().views.may_publish(reader.access)
        owners = reader.titles("user", {each.owner_id for each in known.saved.values() if each.owner_id})
        return page(
            "views.html", reader, entity=shown, tabs=list(known_tabs(reader, entity, known)), first=first,
            saved=known.saved, owners=owners, me=reader.principal.id, publishes=publishes,
            may_change={key: site().views.may_change(reader.access, each) for key, each in known.saved.items()},
            roles=[(key, said(role.label)) for key, role in reader.model.roles.items()] if publishes else (),
            by_role=known.first_by_role, may_import=may_see_documents(reader),
        )  # fmt: skip


@routes.post("/<entity>/views/arrange")
def rearrange(entity: str) -> Response:
    """Pin or hide a view, move it, or let the list begin with it; `act` is such as `up:deal.mine`."""
    act, _, view = request.form.get("act", "").partition(":")
    views = site().views
    with reading() as reader:
        entity_of(reader, entity)
        known = views.of(reader.connection, reader.principal, entity)
        keys = [each.key for each in known_tabs(reader, entity, known)]
        shown = {each.key for each in known_tabs(reader, entity, known) if each.pinned}
        access = reader.access
    if act == "roles":
        for role in ("", *access.model.roles):
            chosen = request.form.get(f"first-{role}", "")
            if chosen != known.first_by_role.get(role, "") and (chosen in keys or not chosen):
                views.open_with(access, entity, role, chosen)
        notice(Message("The views that lists begin with were set"))
        return redirect(f"/{entity}/views", 303)
    if view not in keys:
        raise NotFound(Message("There is no such view"))
    views.arrange(principal(), entity, **_changed(act, view, keys, shown))
    return redirect(f"/{entity}/views#{view}", 303)


def _changed(act: str, view: str, keys: Sequence[str], shown: set[str]) -> Mapping[str, Any]:
    order = list(keys)
    if act == "first":
        return {"first": view}
    if act in {"up", "down"}:
        place = order.index(view)
        order.insert(max(place - 1, 0) if act == "up" else place + 1, order.pop(place))
    elif act == "pin":
        shown.add(view)
    elif act == "hide":
        shown.discard(view)
    return {
        "pinned": tuple(each for each in order if each in shown),
        "hidden": tuple(each for each in order if each not in shown),
    }
