"""Sharing a record: with whom it is shared and why, giving it to somebody, changing that and taking it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from engine import (
    AccessDenied,
    Entity,
    Message,
    Model,
    NotFound,
    Reader,
    RecordInvalid,
    Row,
    Share,
    explain,
    followers,
)
from ui.asking import language, principal, reading, site
from ui.frame import listed, notice, page, said, within, words
from ui.pages.acts import Act, register
from ui.pages.editing import said_title
from ui.pages.listing import entity_of, locale_of
from ui.pages.principals import KINDS, found_by, matching
from ui.widgets.inputs import Input
from ui.widgets.moments import zone

LEVELS = {"read": Message("Read"), "edit": Message("Edit")}

routes = Blueprint("sharing", __name__)


@dataclass(frozen=True, slots=True)
class Given:
    """One share as the page shows it."""

    name: str
    kind: str
    level: str
    until: str
    cascades: bool
    by: str
    remove: str
    """Where taking it back is posted to; "" where it is not for who reads to take back."""


@dataclass(slots=True)
class Asked:
    """What the form says."""

    level: str = "read"
    until: str = ""
    cascade: bool = True
    problems: Mapping[str, str] | None = None
    """Field -> what is wrong; "" for what is about no field."""


@register
def _share(reader: Reader, entity: Entity, row: Row) -> Iterable[Act]:
    if is_shareable(reader.model, entity):
        yield Act(words("Share"), f"/{entity.key}/{row.id}/shares", "share", order=20)


def is_shareable(model: Model, entity: Entity) -> bool:
    """Say whether a share of such records would let anybody see them: some role lets shared ones through."""

    def work_out() -> bool:
        grants = (role.grants.get(entity.key) or role.grants.get("*") for role in model.roles.values())
        return any("shared" in rows for grant in grants if grant is not None for rows in grant.actions.values())

    return entity.parent is None and model.derive(("shareable", entity.key), work_out)


@routes.get("/lookup/people")
def people() -> str:
    """Return the users, teams and departments whose names hold what was typed."""
    kind = request.args.get("kind", request.args.get("kind-with", ""))
    with reading() as reader:
        found = matching(reader, request.args.get("q", "").strip(), [kind] if kind in KINDS else KINDS)
        labels = {each: reader.model.entities[each].label for each in KINDS if each in reader.model.entities}
    return render_template("_choices.html", options=found, labels=labels, told={})


@routes.get("/<entity>/<uuid:record_id>/shares")
def shares(entity: str, record_id: Any) -> str:
    """Show with whom a record is shared, and the form to share it."""
    return _shown(entity, str(record_id), Asked())


@routes.post("/<entity>/<uuid:record_id>/shares")
def share(entity: str, record_id: Any) -> Response:
    """Share a record with whom the form names."""
    id_ = str(record_id)
    asked = Asked(
        request.form.get("level", "read"), request.form.get("until", ""), request.form.get("cascade", "") == "1"
    )
    problems: dict[str, str] = {}
    with reading() as reader:
        _require(reader, entity)
        kind, whom, wrong = found_by(reader, request.form)
        if wrong is not None:
            problems["with"] = wrong.in_(language())
    until = _until(asked.until, problems)
    if not problems:
        problems = _give(entity, id_, kind, whom, asked.level, until, cascade=asked.cascade)
    if problems:
        asked.problems = problems
        return make_response(_shown(entity, id_, asked), 422)
    return redirect(f"/{entity}/{id_}/shares", 303)


@routes.post("/<entity>/<uuid:record_id>/shares/<kind>/<uuid:whom>")
def change(entity: str, record_id: Any, kind: str, whom: Any) -> Response:
    """Share a record as it was before, or with another level; the query says how."""
    problems = _give(
        entity,
        str(record_id),
        kind,
        str(whom),
        request.args.get("level", "read"),
        _moment(request.args.get("until", "")),
        cascade=request.args.get("cascade") == "1",
    )
    for each in problems.values():
        notice(each, "danger")
    return redirect(f"/{entity}/{record_id}/shares", 303)


@routes.post("/<entity>/<uuid:record_id>/shares/<kind>/<uuid:whom>/remove")
def remove(entity: str, record_id: Any, kind: str, whom: Any) -> Response:
    """Take a share back."""
    id_ = str(record_id)
    with reading() as reader:
        _require(reader, entity)
        before = next((each for each in _by_hand(reader, entity, id_) if each.principal_id == str(whom)), None)
    site().records.unshare(principal(), entity, id_, str(whom), via="web")
    undo = _address(entity, id_, before) if before is not None else ""
    notice(Message("No longer shared"), undo=undo)
    with reading() as reader:
        still = id_ in reader.readable(entity, (id_,))
    return redirect(f"/{entity}/{id_}/shares" if still else f"/{entity}", 303)


# --- giving


def _give(
    entity: str, record_id: str, kind: str, whom: str, level: str, until: datetime | None, *, cascade: bool
) -> dict[str, str]:
    """Share a record and say so, with the way back; return what is wrong, by field."""
    with reading() as reader:
        _require(reader, entity)
        before = next((each for each in _by_hand(reader, entity, record_id) if each.principal_id == whom), None)
    try:
        given = site().records.share(
            principal(), entity, record_id, kind, whom, level, until=until, cascade=cascade, via="web"
        )
    except RecordInvalid as refused:
        places = {"kind": "with"}
        return {places.get(each.path, each.path): each.message.in_(language()) for each in refused.problems}
    except AccessDenied as refused:
        return {"": refused.in_(language())}
    except NotFound as refused:
        return {"with": refused.in_(language())}
    with reading() as reader:
        name = reader.titles(kind, [whom]).get(whom, "")
        undo = (
            _address(entity, record_id, before) if before else f"{_address(entity, record_id, given, bare=True)}/remove"
        )
        notice(Message("Shared with {name}", name=name), undo=undo)
        if kind == "user" and not _reaches(reader, entity, record_id, whom, level):
            shown = reader.model.entity(entity)
            notice(
                Message(
                    "The roles of {name} do not let shared {plural} through, so nothing changes for them yet",
                    name=name,
                    plural=shown.plural,
                ),
                "warning",
            )
    return {}


def _reaches(reader: Reader, entity: str, record_id: str, user_id: str, level: str) -> bool:
    """Say whether somebody may now do what they were given."""
    known = site()
    theirs = known.reader_within(reader.connection, known.identity.principal_within(reader.connection, user_id))
    action = "update" if level == "edit" else "read"
    return explain(theirs, action, entity, record_id, asker=theirs.as_system(), helping=False).granted


def _require(reader: Reader, entity: str) -> Entity:
    """Return an entity whose records can be shared.

    Raises:
        NotFound: there is no such entity, or its records go along with others.
    """
    shown = entity_of(reader, entity)
    if shown.parent is not None:
        raise NotFound(Message("There is no {key}", key=f"{entity}/shares"))
    return shown


def _by_hand(reader: Reader, entity: str, record_id: str) -> list[Share]:
    return [each for each in reader.shares(entity, record_id) if each.cause == "manual"]


def _address(entity: str, record_id: str, given: Share, *, bare: bool = False) -> str:
    """Return where it is posted to that a record be shared as it is or was."""
    base = f"/{entity}/{record_id}/shares/{given.kind}/{given.principal_id}"
    says = {"level": given.level, "cascade": "1" if given.cascade else "0"}
    if given.until is not None:
        says["until"] = given.until.isoformat()
    return base if bare else f"{base}?{urlencode(says)}"


def _moment(text: str) -> datetime | None:
    """Return a moment as `_address` writes it; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _until(typed: str, problems: dict[str, str]) -> datetime | None:
    """Return the end of a day where the person is."""
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed)
        return datetime.combine(day + timedelta(days=1), time(), zone(principal().timezone)).astimezone(UTC)
    except (ValueError, OverflowError):
        problems["until"] = words("This is no date; write 2026-12-31")
        return None


# --- the page


def _shown(entity: str, record_id: str, asked: Asked) -> str:
    with reading() as reader:
        shown = _require(reader, entity)
        row = reader.record(entity, record_id, (shown.title,), abilities=("update",))
        problems = asked.problems or {}
        return page(
            "sharing.html",
            reader,
            entity=shown,
            home=f"/{entity}/{record_id}",
            title=said_title(row.values(), shown, locale_of(reader)),
            may_share=row.may("update"),
            reaches=is_shareable(reader.model, shown),
            given=list(_given(reader, shown, record_id, may=row.may("update"))),
            asked=asked,
            problems=problems,
            whom=_input(reader, problems.get("with", "")),
            levels=[(key, said(label)) for key, label in LEVELS.items()],
            along=_along(reader.model, entity, "read"),
        )


def _input(reader: Reader, wrong: str) -> Input:
    """Return the input that names somebody, as the links of forms do."""
    kinds = [(each, said(reader.model.entities[each].label)) for each in KINDS if each in reader.model.entities]
    form = request.form
    return Input(
        name="with",
        kind="any",
        label=words("With"),
        value=form.get("id-with", ""),
        title=form.get("with", ""),
        known=form.get("title-with", ""),
        address="/lookup/people",
        kinds=kinds,
        required=True,
        problems=[wrong] if wrong else [],
    )


def _along(model: Model, entity: str, action: Literal["read", "update"]) -> str:
    """Return what goes along with a record that is shared, as a list of words; "" for nothing."""
    return listed(within(model.entity(each).plural) for each in sorted(followers(model, entity, action)))


def _given(reader: Reader, entity: Entity, record_id: str, *, may: bool) -> Iterable[Given]:
    known = reader.shares(entity.key, record_id)
    names: dict[str, str] = {}
    for kind in KINDS:
        if kind in reader.model.entities:
            names |= reader.titles(kind, [each.principal_id for each in known if each.kind == kind])
    names |= reader.titles("user", [each.made_by for each in known if each.made_by])
    me, where = reader.principal.id, zone(reader.principal.timezone)
    for each in known:
        mine = me is not None and me in {each.made_by, each.principal_id}
        may_remove = each.cause == "manual" and (may or mine)
        yield Given(
            names.get(each.principal_id, "…"),
            said(reader.model.entities[each.kind].label),
            said(LEVELS[each.level]),
            _day(each.until.astimezone(where)) if each.until is not None else "",
            each.cascade,
            _cause(each, names),
            f"{_address(entity.key, record_id, each, bare=True)}/remove" if may_remove else "",
        )


def _day(until: datetime) -> str:
    """Return the last day of a share, or the moment at which it ends."""
    if until.time() == time():
        return (until - timedelta(days=1)).date().isoformat()
    return until.strftime("%Y-%m-%d %H:%M")


def _cause(given: Share, names: Mapping[str, str]) -> str:
    if given.cause == "manual":
        return names.get(given.made_by or "", "") or words("The system")
    kind, _, name = given.cause.partition(":")
    return words("Rule {name}", name=name) if kind == "rule" else words("Automation {name}", name=name)
