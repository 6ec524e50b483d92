"""What is done to many records at once: the ticked ones, or all that fit a list; counted first, undone as one.

Few are changed while somebody waits. More are changed by a job, which has a page with its progress, with those that
stayed as they are and why, and with the way back.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from engine import (
    Acted,
    Call,
    Entity,
    Field,
    Literal,
    MassAct,
    MassActs,
    Message,
    NotFound,
    Path,
    Query,
    QueryInvalid,
    Reader,
    Transition,
    conjunction,
    is_id,
)
from ui.asking import principal, reading, site
from ui.frame import notice, page, said, within, words
from ui.pages.account import HOME, own, own_id
from ui.pages.bulk import input_of, settable, value_of
from ui.pages.deleting import lines
from ui.pages.jobs import shown as shown_job
from ui.pages.list_state import state_of
from ui.pages.listing import MOST, entity_of, listing, locale_of
from ui.safe import own_path
from ui.widgets.posted import UNCHANGED

ERRORS_SHOWN = 100
LOOKED_AT = 1_000
"""Records of which it is told before what hangs on them; of more the first."""

routes = Blueprint("many", __name__)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which records: the ticked ones, or all that fit a list."""

    ids: tuple[str, ...]
    every: bool
    state: str
    """Query of the address of that list."""

    def query(self, reader: Reader, entity: str) -> Query:
        """Return what finds them.

        Raises:
            QueryInvalid: the list cannot be read.
        """
        if not self.every:
            return Query(entity, select=("id",), ids=self.ids, limit=max(len(self.ids), 1))
        asked = listing(reader, entity, state_of(self.state))
        if asked.problems:
            raise QueryInvalid(asked.problems[0].message, asked.problems)
        return replace(asked.query, cursor=None)


def _chosen(entity: str) -> Chosen:
    back = own_path(request.values.get("back", ""), f"/{entity}")
    state = request.values.get("state", urlsplit(back).query)
    ids = tuple(each for each in request.values.getlist("id") if is_id(each))[:MOST]
    return Chosen(ids, request.values.get("all") == "1", state)


def _back(entity: str, chosen: Chosen) -> str:
    query = "&".join(each for each in chosen.state.split("&") if each)
    return own_path(f"/{entity}?{query}", f"/{entity}") if parse_qsl(query) else f"/{entity}"


# --- what can be done


def _acts(reader: Reader, entity: Entity) -> list[tuple[str, str, str]]:
    """Return (key, words, icon) of what may be done to many records."""
    fields = settable(reader, entity)
    found = []
    if fields:
        found.append(("update", words("Change a field…"), "edit"))
    if "owner" in fields:
        found.append(("transfer", words("Hand over…"), "user-share"))
    if _tag_fields(fields):
        found.append(("tag", words("Add or remove tags…"), "tags"))
    found += [(f"transition:{key}", said(each.label), "arrow-right") for key, each in _steps(reader, entity).items()]
    if reader.access.may(entity.key, "delete"):
        found.append(("delete", words("Move to the recycle bin"), "trash"))
    return found


def _tag_fields(fields: Mapping[str, Field]) -> list[Field]:
    return [each for each in fields.values() if each.type.name == "tags"]


def _steps(reader: Reader, entity: Entity) -> Mapping[str, Transition]:
    if entity.states is None or not reader.access.may(entity.key, "update"):
        return {}
    return {key: each for key, each in entity.states.transitions.items() if reader.access.may_make(each)}


@routes.get("/<entity>/many")
def ask(entity: str) -> str:
    """Ask what is done to the chosen records, and say first to how many."""
    with reading() as reader:
        return _page(reader, entity_of(reader, entity), _chosen(entity), request.args.get("act", ""))


def _page(reader: Reader, entity: Entity, chosen: Chosen, act: str, problem: str = "") -> str:
    acts = _acts(reader, entity)
    known = {key: label for key, label, _icon in acts}
    act = act if act in known else ""
    query = chosen.query(reader, entity.key)
    reach = MassActs.reach(reader, query, "delete" if act == "delete" else "update")
    step = _steps(reader, entity).get(act.partition(":")[2])
    fields = settable(reader, entity)
    inputs, choices = _inputs(reader, entity, act, fields, step, problem)
    return page(
        "many.html", reader, entity=entity, chosen=chosen, acts=acts, act=act, label=known.get(act, ""),
        reach=reach, stay=reach.all - reach.may if reach.exact else 0,
        elsewhere=_elsewhere(reader, entity, query, step, reach.all) if step is not None else 0,
        inputs=inputs, choices=choices, field=request.values.get("field", ""), problem=problem,
        hanging=_hanging(reader, entity, query) if act == "delete" else (), looked_at=LOOKED_AT,
        back=_back(entity.key, chosen),
    )  # fmt: skip


def _hanging(reader: Reader, entity: Entity, query: Query) -> Sequence[tuple[str, str]]:
    """Return (effect, sentence) for each kind of records that would change with those that are deleted."""
    first = reader.query(replace(query, select=("id",), limit=LOOKED_AT), abilities=("delete",))
    may = first.abilities("delete")
    return lines(reader, entity, [each for each, allowed in zip(first.ids, may, strict=True) if allowed])


def _inputs(
    reader: Reader, entity: Entity, act: str, fields: Mapping[str, Field], step: Transition | None, problem: str
) -> tuple[list[Any], Sequence[tuple[str, str]]]:
    """Return the inputs of an act, and the fields that may be chosen for it."""
    problems = [problem] if problem else []
    if act == "transfer":
        return [input_of(reader, fields["owner"], problems)], ()
    if step is not None:
        return [input_of(reader, entity.fields[key], problems) for key in step.requires if key in fields], ()
    offered = _tag_fields(fields) if act == "tag" else list(fields.values()) if act == "update" else []
    choices = [(each.key, said(each.label)) for each in offered]
    field = fields.get(request.values.get("field", ""))
    return [input_of(reader, field, problems)] if act == "update" and field is not None else [], choices


def _elsewhere(reader: Reader, entity: Entity, query: Query, step: Transition, total: int) -> int:
    """Return how many records are in a state from which a transition does not lead."""
    assert entity.states is not None  # noqa: S101 - it has transitions
    if not step.sources:
        return 0
    here = Call("in", (Path((entity.states.field,)), Literal(tuple(step.sources))))
    where = here if query.where is None else conjunction(query.where, here)
    return max(total - reader.count(replace(query, where=where, order_by=()), total + 1).number, 0)


# --- doing it


@routes.post("/<entity>/many")
def do(entity: str) -> Response:
    """Do it at once where they are few, else by a job."""
    chosen, key = _chosen(entity), request.form.get("act", "")
    with reading() as reader:
        shown = entity_of(reader, entity)
        if key not in {each for each, _label, _icon in _acts(reader, shown)}:
            raise NotFound(Message("There is no such act"))
        act = _act(reader, shown, key)
        if isinstance(act, Message):
            return make_response(_page(reader, shown, chosen, key, said(act)), 422)
        query = chosen.query(reader, entity)
        ids = MassActs.ids(reader, query)
    if ids is None:
        title = Message("{act}: {plural}", act=_titled(shown, key), plural=shown.plural)
        return redirect(f"{HOME}/many/{site().many.later(principal(), query, act, title)}", 303)
    change_set, acted = site().many.at_once(principal(), entity, act, ids)
    if acted.changed:
        notice(_done(shown, act, acted.changed), undo=f"/{entity}/undo/{change_set}")
    elif not acted.left:
        notice(Message("Nothing had to be changed"), "info")
    if not acted.left:
        return redirect(_back(entity, chosen), 303)
    with reading() as reader:
        return make_response(
            page(
                "many_left.html", reader, entity=shown, acted=acted, back=_back(entity, chosen), csv="",
                left=_named(reader, entity, acted),
            )
        )  # fmt: skip


def _titled(entity: Entity, key: str) -> Message:
    name = key.partition(":")[2]
    if name and entity.states is not None:
        return Message("{label}", label=entity.states.transitions[name].label)
    return {
        "delete": Message("Move to the recycle bin"), "transfer": Message("Hand over"), "tag": Message("Tags")
    }.get(key, Message("Change a field"))  # fmt: skip


def _done(entity: Entity, act: MassAct, count: int) -> Message:
    if act.verb == "delete":
        if count == 1:
            return Message("{label} moved to the recycle bin", label=entity.label)
        return Message("{count} {plural} moved to the recycle bin", count=count, plural=within(entity.plural))
    if count == 1:
        return Message("{label} changed", label=entity.label)
    return Message("{count} {plural} changed", count=count, plural=within(entity.plural))


def _act(reader: Reader, entity: Entity, key: str) -> MassAct | Message:
    """Return what a form wants done, or what is wrong with it."""
    fields, form = settable(reader, entity), request.form
    if key == "delete":
        return MassAct("delete")
    if key == "tag":
        field = form.get("field", "")
        if field not in {each.key for each in _tag_fields(fields)}:
            return Message("There is no such field")
        add, remove = _tags(form.get("add", "")), _tags(form.get("remove", ""))
        if not (add or remove):
            return Message("Name a tag to add or to remove")
        return MassAct("tag", name=field, add=add, remove=remove)
    name = key.partition(":")[2]
    wanted = (
        list(_steps(reader, entity)[name].requires)
        if name
        else ["owner" if key == "transfer" else form.get("field", "")]
    )
    values = {}
    for each in wanted:
        if each not in fields:
            return Message("Choose a field")
        value = value_of(fields[each], locale_of(reader))
        values[each] = _json(fields[each], value if value is not UNCHANGED else None)
    return MassAct("transition", values, name) if name else MassAct("update", values)


def _tags(text: str) -> tuple[str, ...]:
    parts = (each.strip() for each in text.replace("，", ",").split(","))
    return tuple(dict.fromkeys(each for each in parts if each))


def _json(field: Field, value: Any) -> Any:
    """Return a value as a job keeps it; what forms give is JSON already but for dates and numbers."""
    if isinstance(value, (date, datetime, time, Decimal)):
        return field.type.to_json(value, field.options)
    return list(value) if isinstance(value, (tuple, set)) else value


# --- what came of it


@dataclass(frozen=True, slots=True)
class Left:
    """A record that stayed as it is."""

    id: str
    title: str
    why: str


def _named(reader: Reader, entity: str, acted: Acted, most: int = ERRORS_SHOWN) -> list[Left]:
    errors = acted.errors[:most]
    titles = reader.titles(entity, [id_ for id_, _why in errors])
    return [Left(id_, titles.get(id_) or "—", said(why)) for id_, why in errors]


def _own_job(job_id: str) -> Any:
    own()
    job = site().jobs.get(job_id)
    if job.actor != own_id() or job.task != "mass":
        raise NotFound(Message("There is no job {id}", id=job_id))
    return job


@routes.get(f"{HOME}/many/<uuid:job_id>")
def result(job_id: Any) -> str:
    """Show how far a job is that changes many records, and what came of it."""
    job = _own_job(str(job_id))
    found = site().many.result(job)
    with reading() as reader:
        entity = entity_of(reader, job.entity or "")
        here = f"{HOME}/many/{job.id}"
        undone = bool(found.acted.changed) and site().many.undone(reader.connection, found.change_set)
        return page(
            "many_job.html", reader, entity=entity, job=shown_job(reader, job, f"{HOME}/jobs/{job.id}"), here=here,
            found=found, undone=undone, left=_named(reader, entity.key, found.acted),
        )  # fmt: skip


@routes.get(f"{HOME}/many/<uuid:job_id>/left.csv")
def left(job_id: Any) -> Response:
    """Send the records that stayed as they are, with the reason of each."""
    job = _own_job(str(job_id))
    acted = site().many.result(job).acted
    with reading() as reader:
        entity = entity_of(reader, job.entity or "")
        rows = _named(reader, entity.key, acted, len(acted.errors))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([words("Number"), words("Title"), words("Reason")])
    writer.writerows((each.id, _plain(each.title), _plain(each.why)) for each in rows)
    response = make_response("\ufeff" + text.getvalue())
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{entity.key}-left.csv"'
    return response


def _plain(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
