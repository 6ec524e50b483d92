"""What other programs may tell the site: hooks, what their bodies become, and what was sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from engine import (
    CALL_OUTCOME_LABELS,
    HOOK_MODE_LABELS,
    HOOK_SCHEME_LABELS,
    HOOK_STATE_LABELS,
    MOST_HOOK_BYTES,
    TRANSFORM_LABELS,
    USUAL_HOOK_BYTES,
    BodyMapping,
    GuanxiError,
    Hook,
    HookWish,
    Incoming,
    MappedField,
    Message,
    Reader,
    RecordInvalid,
    Taken,
    is_id,
    paths_in,
)
from ui.asking import language, principal, reading, site
from ui.frame import notice, page, said, words
from ui.pages.account import moments
from ui.pages.webhooks import COLOURS, HOME, by_place, called, entities_for, owner_fields, person_of, refused, require

_PAGE = 50
_SPARE = 4
_MOST_ROWS = 200
_MOST_PATHS = 100
_OUTCOMES = {"done": "green", "ignored": "secondary", "repeated": "secondary", "invalid": "orange", "refused": "red",
             "failed": "red"}  # fmt: skip

routes = Blueprint("inbound", __name__, url_prefix=f"{HOME}/hooks")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the mapping in the form."""

    field: str = ""
    path: str = ""
    transforms: str = ""
    value: str = ""
    place: int = -1
    """Its place in the mapping; -1 for an empty one."""


# --- the form ---------------------------------------------------------------------------------------------------------


@routes.get("/new")
def new() -> str:
    """Ask what becomes of what is sent."""
    return _form("", HookWish("", request.args.get("entity", ""), BodyMapping(())), [])


@routes.post("/new")
def create() -> Response | str:
    """Make a hook, and show its address and its secret once."""
    wish, rows = _wish()
    if "again" in request.form:
        return _form("", wish, rows)
    try:
        id_, token, secret = site().webhooks.hooks.create(principal(), wish)
    except RecordInvalid as error:
        return refused(_form("", wish, rows, error))
    return _shown_once(id_, wish.name, token, secret)


@routes.get("/<uuid:hook_id>/edit")
def edit(hook_id: Any) -> str:
    """Ask what is to become of it instead."""
    found = _known(str(hook_id))
    wish = HookWish(
        found.name, found.entity, found.mapping, found.mode, found.match_by, found.actor_id, found.scheme,
        found.header, found.id_header, "", found.most_bytes,
    )  # fmt: skip
    rows = [
        Row(each.field, each.path, " ".join(each.transforms), each.value, place)
        for place, each in enumerate(found.mapping.fields)
    ]
    return _form(found.id, wish, rows)


@routes.post("/<uuid:hook_id>/edit")
def change(hook_id: Any) -> Response | str:
    """Change a hook."""
    wish, rows = _wish()
    if "again" in request.form:
        return _form(str(hook_id), wish, rows)
    try:
        secret = site().webhooks.hooks.change(principal(), str(hook_id), wish)
    except RecordInvalid as error:
        return refused(_form(str(hook_id), wish, rows, error))
    if secret:
        return _shown_once(str(hook_id), wish.name, "", secret)
    notice(Message("{name} was changed", name=wish.name))
    return redirect(f"{HOME}/hooks/{hook_id}", 303)


def _wish() -> tuple[HookWish, list[Row]]:
    form = request.form
    rows, fields = list[Row](), list[MappedField]()
    columns = [form.getlist(f"map-{name}")[:_MOST_ROWS] for name in ("field", "path", "transforms", "value")]
    for field, path, transforms, value in zip(*columns, strict=False):
        if not (field or path or value):
            continue
        rows.append(Row(field, path.strip(), transforms.strip(), value, len(fields)))
        fields.append(MappedField(field, path.strip(), tuple(transforms.split()), value))
    when = []
    for line in form.get("when", "").splitlines():
        path, _, values = line.partition("=")
        if path.strip():
            when.append((path.strip(), tuple(each.strip() for each in values.split(",")) if values else ("",)))
    size = form.get("most_bytes", "")
    wish = HookWish(
        name=form.get("name", "").strip(),
        entity=form.get("entity", ""),
        mapping=BodyMapping(tuple(fields), form.get("items", "").strip(), tuple(when)),
        mode=form.get("mode", "create"),
        match_by=form.get("match_by", ""),
        actor_id=person_of(form.get("owner", "")),
        scheme=form.get("scheme", "none"),
        header=form.get("header", "").strip(),
        id_header=form.get("id_header", "").strip(),
        secret=form.get("secret", "").strip(),
        most_bytes=int(size[:9]) * 1024 if size.isascii() and size.isdecimal() else 0,
    )
    return wish, rows


def _form(hook_id: str, wish: HookWish, rows: Sequence[Row], error: RecordInvalid | None = None) -> str:
    spoken = language()
    with reading() as reader:
        require(reader)
        entities = entities_for(reader, "create")
        known = reader.model.entities.get(wish.entity)
        fields: list[tuple[str, str]] = []
        if known is not None:
            writable = reader.access.writable(known.key) | {"external_id"}
            fields = sorted(
                (
                    (each.key, f"{each.label.in_(spoken)} ({each.key})")
                    for each in known.fields.values()
                    if each.key in writable and each.type.links != "children"
                ),
                key=lambda each: each[1],
            )
        wrong = by_place(error)
        if "actor_id" in wrong:
            wrong = {**wrong, "owner_id": wrong["actor_id"]}
        return page(
            "hook_form.html",
            reader,
            id=hook_id,
            wish=wish,
            rows=[*rows, *([Row()] * _SPARE)],
            when="\n".join(f"{path} = {', '.join(values)}" for path, values in wish.mapping.when),
            wrong=wrong,
            entities=entities,
            fields=fields,
            modes=[(key, said(label)) for key, label in HOOK_MODE_LABELS.items()],
            schemes=[(key, said(label)) for key, label in HOOK_SCHEME_LABELS.items()],
            transforms=[(key, said(label)) for key, label in TRANSFORM_LABELS.items()],
            ways=_ways(reader, wish.entity),
            kilobytes=(wish.most_bytes or USUAL_HOOK_BYTES) // 1024,
            most_kilobytes=MOST_HOOK_BYTES // 1024,
            **owner_fields(reader, wish.actor_id),
        )


def _ways(reader: Reader, entity: str) -> list[tuple[str, str]]:
    """Return (name, words) of what records of an entity can be told apart by."""
    known = reader.model.entities.get(entity)
    if known is None:
        return []
    spoken = language()
    found = [("external_id", words("External id"))]
    found += [(each.key, each.label.in_(spoken)) for each in known.fields.values() if each.unique]
    found += [(key, key) for key in known.unique]
    return [*dict(found).items(), ("id", "id")]


def _shown_once(hook_id: str, name: str, token: str, secret: str) -> str:
    base = (site().config.base_url or request.host_url).rstrip("/")
    shown = [(words("Address"), f"{base}/hooks/{token}")] if token else []
    shown += [(words("Secret"), secret)] if secret else []
    more = words("Whoever sends posts JSON or a form there.") if token else ""
    with reading() as reader:
        return page("webhook_secret.html", reader, name=name, back=f"{HOME}/hooks/{hook_id}", more=more, shown=shown)


def _known(hook_id: str) -> Hook:
    with reading() as reader:
        require(reader)
        return site().webhooks.hooks.get(reader.connection, hook_id)


# --- one hook ---------------------------------------------------------------------------------------------------------


@routes.get("/<uuid:hook_id>")
def one(hook_id: Any) -> str:
    """Show a hook with what was sent last."""
    return _one(str(hook_id))


def _one(hook_id: str, trial: Taken | None = None, given: str = "") -> str:
    with reading() as reader:
        require(reader)
        hooks, outcome = site().webhooks.hooks, request.args.get("outcome", "")
        found, before = hooks.get(reader.connection, hook_id), request.args.get("before", "")
        calls = hooks.calls(
            reader.connection,
            found.id,
            outcome=outcome if outcome in CALL_OUTCOME_LABELS else None,
            before=before if is_id(before) else None,
            limit=_PAGE + 1,
        )
        more = ""
        if len(calls) > _PAGE:
            calls = calls[:_PAGE]
            more = f"{HOME}/hooks/{found.id}?{urlencode({'outcome': outcome, 'before': calls[-1].id})}"
        return page(
            "hook.html",
            reader,
            one=found,
            what=called(reader, found.entity),
            owner=reader.titles("user", [found.actor_id]).get(found.actor_id, ""),
            mode=said(HOOK_MODE_LABELS[found.mode]),
            scheme=said(HOOK_SCHEME_LABELS[found.scheme]),
            state_label=said(HOOK_STATE_LABELS[found.state]),
            colours={**COLOURS, **_OUTCOMES},
            outcomes=[(key, said(label)) for key, label in CALL_OUTCOME_LABELS.items()],
            outcome=outcome,
            calls=[
                {
                    "one": each,
                    "said": said(CALL_OUTCOME_LABELS[each.outcome]),
                    "note": "" if each.note is None else said(each.note),
                    "body": each.body if reader.access.has("admin") else None,
                }
                for each in calls
            ],
            more=more,
            when=moments(reader),
            given=given,
            trial=None if trial is None else _told(trial, given),
        )


def _told(taken: Taken, given: str) -> dict[str, Any]:
    try:
        paths = list(paths_in(json.loads(given)))[:_MOST_PATHS]
    except (ValueError, RecursionError):
        paths = []
    return {
        "said": said(CALL_OUTCOME_LABELS[taken.outcome]),
        "outcome": taken.outcome,
        "note": "" if taken.note is None else said(taken.note),
        "problems": [(path, said(message)) for path, message in taken.problems],
        "values": [json.dumps(each, ensure_ascii=False, default=str, indent=1) for each in taken.values],
        "paths": paths,
    }


@routes.post("/<uuid:hook_id>/try")
def try_out(hook_id: Any) -> str:
    """Show what would become of a body; nothing is written."""
    given = request.form.get("body", "")
    taken = site().webhooks.inbound.try_out(principal(), str(hook_id), Incoming(given.encode(), {}))
    return _one(str(hook_id), taken, given)


@routes.post("/<uuid:hook_id>/<any(pause, resume, remove):act>")
def act(hook_id: Any, act: str) -> Response:
    """Pause a hook, let it go on, or delete it."""
    hooks, who, id_ = site().webhooks.hooks, principal(), str(hook_id)
    name = _known(id_).name
    done: dict[str, tuple[Callable[[], None], Message]] = {
        "pause": (lambda: hooks.set_state(who, id_, "paused"), Message("{name} is paused", name=name)),
        "resume": (lambda: hooks.set_state(who, id_, "active"), Message("{name} goes on", name=name)),
        "remove": (lambda: hooks.remove(who, id_), Message("{name} was deleted", name=name)),
    }
    work, message = done[act]
    work()
    notice(message)
    return redirect(HOME if act == "remove" else f"{HOME}/hooks/{id_}", 303)


@routes.post("/<uuid:hook_id>/move")
def move(hook_id: Any) -> str:
    """Give a hook another address, and show it once."""
    found = _known(str(hook_id))
    return _shown_once(found.id, found.name, site().webhooks.hooks.move(principal(), found.id), "")


@routes.post("/<uuid:hook_id>/rotate")
def rotate(hook_id: Any) -> Response | str:
    """Give a hook another secret, and show it once."""
    found = _known(str(hook_id))
    try:
        secret = site().webhooks.hooks.rotate(principal(), found.id)
    except GuanxiError as error:
        notice(error.message, "warning")
        return redirect(f"{HOME}/hooks/{found.id}", 303)
    return _shown_once(found.id, found.name, "", secret)
