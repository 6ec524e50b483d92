"""The stream of a record: all that happened around it, what comes next, and the box to add to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from engine import (
    HAPPENING_KINDS,
    MOST_PINNED,
    BadValue,
    Call,
    Entity,
    Expr,
    FieldProblem,
    Happening,
    Happenings,
    Literal,
    Message,
    NotFound,
    Order,
    Path,
    Principal,
    Query,
    Reader,
    RecordInvalid,
    activity_fields,
    activity_relation,
    conjunction,
    happenings,
)
from ui.asking import language, principal, reading, site, writing
from ui.frame import is_fragment, notice, page, said, words
from ui.pages.editing import said_title
from ui.pages.listing import entity_of, locale_of
from ui.pages.mentions import names_by_key
from ui.pages.told import Entry, Teller, days
from ui.safe import own_path
from ui.widgets.inputs import kind_of

PAGE = 25
NEXT = 5
TALK = frozenset({"comments", "attachments", "activities"})
_CHIPS = {
    "comment": Message("Comments"),
    "activity": Message("Activities"),
    "file": Message("Files"),
    "change": Message("Changes"),
    "share": Message("Shares"),
}

_PUBLIC = "public"
"""The filter for comments that are not internal; offered where somebody looks at comments alone."""

routes = Blueprint("stream", __name__)


@dataclass(frozen=True, slots=True)
class QuickInput:
    """One input of the quick form of an activity."""

    key: str
    role: str
    """kind, title, due, words, or state."""
    label: str
    options: Sequence[tuple[str, str]] = ()
    value: str = ""
    wrong: str = ""


@dataclass(slots=True)
class Compose:
    """What stands in the box: empty, or what came back because something is wrong."""

    body: str = ""
    public: bool = False
    parent: str = ""
    answers: str = ""
    chosen: Sequence[str] = ()
    problems: Sequence[str] = ()
    blind: Sequence[tuple[str, str]] = ()
    """(id, name) of people who are named and may not see the record."""
    quick: Mapping[str, str] = field(default_factory=dict)
    """What was typed into the quick form."""
    quick_problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def wrong(self) -> bool:
        """Whether something is wrong."""
        return bool(self.problems or self.blind or self.quick_problems)


def has_stream(reader: Reader, entity: Entity) -> bool:
    """Say whether more may happen around a record than changes."""
    return not TALK.isdisjoint(entity.features) and "comment" in reader.model.entities


@routes.get("/<entity>/<uuid:record_id>/stream")
def stream(entity: str, record_id: Any) -> str:
    """Show what happened around a record: a page, a panel, or a further page of entries."""
    return shown(entity, str(record_id), Compose(parent=request.args.get("parent", "")))


def shown(entity: str, record_id: str, compose: Compose) -> str:
    """Return the stream with a box as it is."""
    with reading() as reader:
        kind = request.args.get("kind", "")
        cursor = request.args.get("cursor") or None
        known = entity_of(reader, entity)
        keys = (known.title, *(("owner",) if known.owned else ()), "created_by")
        row = reader.record(entity, record_id, _seen(reader, known, keys), ("update",))
        public = kind == _PUBLIC
        kinds = ("comment",) if public else (kind,) if kind in HAPPENING_KINDS else HAPPENING_KINDS
        form = reader.model.form(entity)
        found = happenings(
            reader, entity, record_id, kinds=kinds, around=form.around, limit=PAGE, cursor=cursor, public=public
        )
        first = cursor is None
        pinned = site().notices.posts.pinned(reader.connection, entity, record_id) if first else []
        kept = _comments(reader, entity, record_id, pinned) if pinned else ()
        teller = _teller(reader, record_id, found, kept, pinned)
        here = f"/{entity}/{record_id}"
        older = ""
        if found.next_cursor:
            older = f"{here}/stream?{urlencode({'kind': kind, 'cursor': found.next_cursor})}"
        values: dict[str, Any] = {
            "entity": known,
            "record_id": record_id,
            "here": here,
            "kind": kind,
            "days": [],
            "older": older,
            "first": first,
            "may_update": row.may("update"),
            "own": reader.principal.viewer is None and reader.principal.id is not None,
        }
        coming = _coming(reader, known, record_id, teller) if first else []
        values["days"] = days(teller.entries({each.id for each in coming}))
        if not first and is_fragment():
            return render_template("_stream_entries.html", **values)
        own = row.values()
        values |= {
            "title": said_title(own, known, locale_of(reader)),
            "compose": _answering(teller, compose),
            "chips": _chips(reader, known, kind),
            "pinned": [teller.comment(each) for each in kept],
            "most_pinned": MOST_PINNED,
            "coming": coming,
            "quick": quick_inputs(reader, known, compose),
            "may_comment": "comments" in known.features and reader.access.may("comment", "create"),
            "may_attach": "attachments" in known.features and row.may("update"),
            "follows": site().notices.followed(reader, entity, record_id, own),
        }
        if is_fragment():
            return render_template("_stream.html", **values)
        return page("stream.html", reader, **values)


def answered(entity: str, record_id: str, compose: Compose | None = None) -> Response:
    """Answer a form of the stream: the panel again where a script asked for it, else the page that it came from."""
    wrong = compose is not None and compose.wrong
    if is_fragment() or wrong:
        html = shown(entity, record_id, compose if compose is not None and wrong else Compose())
        return make_response(html, 422 if wrong else 200)
    return redirect(own_path(request.form.get("back", ""), f"/{entity}/{record_id}/stream"), 303)


@routes.post("/<entity>/<uuid:record_id>/follow")
def follow(entity: str, record_id: Any) -> Response:
    """Follow a record, or hear no more of it."""
    id_ = str(record_id)
    with reading() as reader:
        known = entity_of(reader, entity)
        reader.record(entity, id_, (known.title,))
    follows = request.form.get("follow") == "1"
    site().notices.follow(principal(), entity, id_, follows=follows)
    if not is_fragment():
        notice(Message("You will hear of it") if follows else Message("You will hear no more of it"))
    return answered(entity, id_)


@routes.post("/<entity>/<uuid:record_id>/activities")
def log(entity: str, record_id: Any) -> Response:
    """Write down an activity with a record: a call that was made, a meeting that is planned."""
    id_ = str(record_id)
    with reading() as reader:
        known = entity_of(reader, entity)
        reader.record(entity, id_, (known.title,))
        relation = activity_relation(reader, known)
        if relation is None:
            raise NotFound(Message("There is no {key}", key="activities"))
        other, locale = reader.model.entity(relation.entity), locale_of(reader)
        link = f"{entity}/{id_}" if relation.kind == "any" else [id_] if relation.kind == "lookups" else id_
        values: dict[str, Any] = {relation.field: link}
        typed = {each.key: request.form.get(each.key, "") for each in quick_inputs(reader, known, Compose())}
        for key, text in typed.items():
            if text.strip():
                values[key] = _read(other, key, text, locale)
        kind = activity_fields(other)["kind"]
        if not values.get(other.title) and kind is not None and values.get(kind) in other.fields[kind].choices:
            values[other.title] = said(other.fields[kind].choices[values[kind]].label)
        step = _step_to(other, values)
    records, change_set = site().records, site().records.begin_set(principal(), "create", entity=other.key)

    def work(who: Principal, connection: Any) -> None:
        """Make the activity, and bring it on where it is over already: both, or neither."""
        kept: dict[str, Any] = {"via": "web", "change_set": change_set, "connection": connection}
        [made] = records.create(who, other.key, [values], **kept)
        if step:
            records.transition(who, other.key, [made.id], step, **kept)

    try:
        writing(work)
    except RecordInvalid as refused:
        return answered(entity, id_, Compose(quick=typed, quick_problems=_by_field(refused.problems)))
    if not is_fragment():
        notice(Message("{label} saved", label=other.label), undo=f"/{other.key}/undo/{change_set}")
    return answered(entity, id_)


def _read(entity: Entity, key: str, text: str, locale: Any) -> Any:
    known = entity.fields[key]
    try:
        return known.type.read(text, known.options, locale)
    except BadValue:
        return text


def _step_to(entity: Entity, values: dict[str, Any]) -> str:
    """Return the transition that brings a new record to the state that it is to have, and take that from its values.

    "" where it begins there, or no transition leads there; then it is refused with its own words.
    """
    states = entity.states
    if states is None or states.field not in values:
        return ""
    first, wanted = entity.fields[states.field].default, values[states.field]
    steps = [each.key for each in states.transitions.values() if first in each.sources and each.to == wanted]
    if first == wanted or not steps:
        return ""
    del values[states.field]
    return steps[0]


def _by_field(problems: Sequence[FieldProblem]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in problems:
        found.setdefault(each.path, each.message.in_(language()))
    return found


# --- parts


def _seen(reader: Reader, entity: Entity, keys: Sequence[str]) -> tuple[str, ...]:
    mask = reader.access.mask(entity.key)
    return tuple(dict.fromkeys(key for key in keys if mask.get(key, "hidden") != "hidden"))


def _teller(
    reader: Reader, record_id: str, found: Happenings, kept: Sequence[Happening], pinned: Sequence[str]
) -> Teller:
    """Return what puts happenings into words, with all that comments need besides."""
    comments = [each for each in (*found.items, *kept) if each.kind == "comment"]
    signs = site().notices.posts.signs(reader.connection, [each.id for each in comments])
    mentions = {key for each in comments for key in each.body.get("mentions") or ()}
    people = {each.actor_id for each in kept if each.actor_id}
    people |= {who for each in signs.values() for listed in each.values() for who in listed}
    names = {**found.people, **(reader.titles("user", people) if people else {})}
    by = {each.id: names.get(each.actor_id or "", "") for each in comments}
    told = Happenings(found.items, found.next_cursor, names, found.titles)
    return Teller(reader, record_id, locale_of(reader), told, signs, pinned, names_by_key(reader, mentions), authors=by)


def _comments(reader: Reader, entity: str, record_id: str, ids: Sequence[str]) -> tuple[Happening, ...]:
    """Return some comments of a record, in the order of their ids."""
    known = reader.model.entity("comment")
    keys = _seen(reader, known, ("body", "parent", "mentions", "internal", "created_by", "created_at", "version"))
    needed = ("record_entity", "record_id", "created_at")
    if not {reader.access.mask("comment").get(key) for key in needed} <= {"read", "write"}:
        return ()
    where = conjunction(
        Call("in", (Path(("id",)), Literal(tuple(ids)))),
        Call("==", (Path(("record_entity",)), Literal(entity))),
        Call("==", (Path(("record_id",)), Literal(record_id))),
    )
    found = reader.query(Query("comment", select=keys, where=where, limit=len(ids)), abilities=("update", "delete"))
    may = {each: found.abilities(each) for each in ("update", "delete")}
    rows = {
        id_: {**dict(zip(keys, row, strict=True)), "id": id_,
              "may_update": may["update"][place], "may_delete": may["delete"][place]}
        for place, (id_, row) in enumerate(zip(found.ids, found.values(), strict=True))
    }  # fmt: skip
    return tuple(
        Happening("comment", row["created_at"], id_, entity, record_id, row.get("created_by"), row)
        for id_ in ids
        if (row := rows.get(id_)) is not None
    )


def _answering(teller: Teller, compose: Compose) -> Compose:
    if compose.parent:
        compose.answers = teller.authors.get(compose.parent, "")
    return compose


def _chips(reader: Reader, entity: Entity, kind: str) -> list[tuple[str, str]]:
    """Return (kind, label) of what there can be in the stream; `kind` is what is shown now."""
    features = entity.features
    there = {
        "comment": "comments" in features,
        "activity": activity_relation(reader, entity) is not None,
        "file": "attachments" in features,
        "change": "history" in features,
        "share": False,
    }
    found = [("", words("Everything")), *((key, said(label)) for key, label in _CHIPS.items() if there[key])]
    if kind in {"comment", _PUBLIC} and there["comment"]:
        found.insert(2, (_PUBLIC, words("Public comments")))
    return found


def _coming(reader: Reader, entity: Entity, record_id: str, teller: Teller) -> list[Entry]:
    """Return the activities that are not closed yet, what is due first on top."""
    relation = activity_relation(reader, entity)
    if relation is None or request.args.get("kind") not in {None, "", "activity"}:
        return []
    other = reader.model.entity(relation.entity)
    kept, mask = activity_fields(other), reader.access.mask(other.key)
    state, due = kept["state"], kept["due"]
    if state is None or due is None or not {mask.get(state), mask.get(due)} <= {"read", "write"}:
        return []
    opened = _open_states(other, state)
    if not opened:
        return []
    where: Expr = Call("in", (Path((state,)), Literal(tuple(opened))))
    whose = ("owner",) if other.owned else ("created_by",)
    keys = _seen(reader, other, (other.title, *(each for each in kept.values() if each), *whose, "created_at"))
    query = Query(other.key, select=keys, where=where, order_by=(Order((due,)),), limit=NEXT)
    found = reader.related(entity.key, record_id, relation.key, query, abilities=("update",))
    may = found.abilities("update")
    coming = []
    for place, (id_, values) in enumerate(zip(found.ids, found.values(), strict=True)):
        row = {**dict(zip(keys, values, strict=True)), "id": id_, "may_update": may[place]}
        by = str(row.get("owner") or row.get("created_by") or "") or None
        entry = teller.activity(Happening("activity", row["created_at"], id_, other.key, id_, by, row))
        entry.when = ""  # When it was written down says nothing of when it is due.
        coming.append(entry)
    return coming


def _open_states(entity: Entity, state: str) -> list[str]:
    """Return the states from which a step leads on to a later one."""
    assert entity.states is not None  # noqa: S101 - it has a state
    order = list(entity.fields[state].choices)
    steps = entity.states.transitions.values()
    return [
        key
        for key in order
        if any(key in each.sources and order.index(each.to) > order.index(key) for each in steps if each.to in order)
    ]


def quick_inputs(reader: Reader, entity: Entity, compose: Compose) -> list[QuickInput]:
    """Return the inputs of the quick form of an activity, as far as who reads may fill them in."""
    relation = activity_relation(reader, entity)
    if relation is None or not reader.access.may(relation.entity, "create"):
        return []
    other, writable = reader.model.entity(relation.entity), reader.access.writable(relation.entity)
    if relation.field not in writable:
        return []
    kept = activity_fields(other)
    found = []
    for role, key in (
        ("kind", kept["kind"]), ("state", kept["state"]), ("title", other.title), ("words", kept["words"]),
        ("due", kept["due"]),
    ):  # fmt: skip
        if key is None or key not in writable:
            continue
        known = other.fields[key]
        if role == "title" and kind_of(known) not in {"text", "area"}:
            continue
        options = [(each.key, said(each.label)) for each in known.choices.values() if not each.hidden]
        usual = str(known.default or "") if known.choices else ""
        value = compose.quick.get(key, usual)
        found.append(QuickInput(key, role, said(known.label), options, value, compose.quick_problems.get(key, "")))
    return found
