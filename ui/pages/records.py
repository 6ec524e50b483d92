"""The page of one record: its facts, what can be done with it, what belongs to it, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from engine import (
    Column,
    Entity,
    Field,
    Message,
    Query,
    Reader,
    RecordInvalid,
    Related,
    Row,
    Transition,
)
from ui.asking import language, principal, reading, site
from ui.frame import notice, page, said
from ui.pages.editing import said_title
from ui.pages.history import Story, stories
from ui.pages.listing import entity_of, locale_of, table_of
from ui.safe import own_path
from ui.widgets.cells import option_markup
from ui.widgets.facts import Facts, child_paths, facts
from ui.widgets.tables import Head, Table, table

RELATED_ROWS = 20
HISTORY_ROWS = 8
ABILITIES = ("update", "delete")

routes = Blueprint("records", __name__)


@dataclass(frozen=True, slots=True)
class Belonging:
    """A list of records that belong to the one on the page."""

    label: str
    heads: tuple[Head, ...]
    rows: Markup
    count: int
    more: str = ""
    """Address of the whole list, where there is more than is shown."""
    new: str = ""
    """Address of the form for another one."""


@routes.get("/<entity>/<uuid:record_id>")
def record(entity: str, record_id: Any) -> str:
    """Show a record."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        form = reader.model.form(entity)
        tab = next((each for each in form.tabs if each.key == request.args.get("tab")), form.tabs[0])
        locale = locale_of(reader)
        told = facts(reader.access, shown, tab.sections, locale, f"{form.key}/{tab.key}")
        row = reader.record(entity, str(record_id), _select(reader, shown, told), ABILITIES)
        values = row.values()
        return page(
            "record.html",
            reader,
            entity=shown,
            record_id=row.id,
            title=said_title(values, shown, locale),
            state=_state(shown, values),
            transitions=_transitions(shown, values) if row.may("update") else [],
            may_update=row.may("update"),
            may_delete=row.may("delete"),
            tabs=form.tabs,
            tab=tab,
            facts=told.html(reader, values),
            children=[_children(reader, shown, each, values) for each in told.children],
            related=[each for link in tab.related if (each := _related(reader, shown, row, link)) is not None],
            kept=_kept(reader, shown, values),
            history=_history(reader, shown, row),
        )


@routes.post("/<entity>/<uuid:record_id>/delete")
def delete(entity: str, record_id: Any) -> Response:
    """Put a record into the recycle bin; the notice takes it back."""
    with reading() as reader:
        shown = entity_of(reader, entity)
    change_set = site().records.begin_set(principal(), "delete", entity=entity)
    site().records.delete(principal(), entity, [str(record_id)], via="web", change_set=change_set)
    notice(Message("{label} moved to the recycle bin", label=shown.label), undo=f"/{entity}/undo/{change_set}")
    return redirect(own_path(request.form.get("back", ""), f"/{entity}"), 303)


@routes.post("/<entity>/<uuid:record_id>/restore")
def restore(entity: str, record_id: Any) -> Response:
    """Take a record out of the recycle bin."""
    with reading() as reader:
        shown = entity_of(reader, entity)
    site().records.restore(principal(), entity, [str(record_id)], via="web")
    notice(Message("{label} restored", label=shown.label))
    return redirect(f"/{entity}/{record_id}", 303)


@routes.post("/<entity>/<uuid:record_id>/transition/<name>")
def transition(entity: str, record_id: Any, name: str) -> Response:
    """Move a record to another state; what is still needed for that is asked for in its form."""
    with reading() as reader:
        shown = entity_of(reader, entity)
    change_set = site().records.begin_set(principal(), "transition", entity=entity)
    try:
        [written] = site().records.transition(
            principal(), entity, [str(record_id)], name, via="web", change_set=change_set
        )
    except RecordInvalid as error:
        for each in error.problems:
            field = shown.fields.get(each.path)
            label = f"{field.label.in_(language())}: " if field is not None else ""
            notice(f"{label}{each.message.in_(language())}", "danger")
        return redirect(f"/{entity}/{record_id}/edit", 303)
    if shown.states is not None:
        option = shown.fields[shown.states.field].choices.get(str(written.values.get(shown.states.field)))
        words = option.label if option is not None else shown.label
        notice(Message("Now {state}", state=words), undo=f"/{entity}/undo/{change_set}")
    return redirect(own_path(request.form.get("back", ""), f"/{entity}/{record_id}"), 303)


def _select(reader: Reader, entity: Entity, told: Facts) -> tuple[str, ...]:
    """Return what the page needs of a record: its facts, its name, its state, and who made and changed it."""
    paths = dict.fromkeys((entity.title, *told.select, "created_at", "updated_at"))
    paths.update(dict.fromkeys(each.key for each in told.children))
    for key in ("created_by", "updated_by"):
        if reader.access.mask(entity.key).get(key) != "hidden":
            paths[f"{key}.name"] = None
    if entity.states is not None:
        paths[entity.states.field] = None
    mask = reader.access.mask(entity.key)
    return tuple(path for path in paths if mask.get(path.split(".", 1)[0], "hidden") != "hidden")


def _state(entity: Entity, values: Mapping[str, Any]) -> Markup | None:
    if entity.states is None or values.get(entity.states.field) is None:
        return None
    return option_markup(entity.fields[entity.states.field], values[entity.states.field], language(), pill=True)


def _transitions(entity: Entity, values: Mapping[str, Any]) -> list[Transition]:
    """Return the transitions that a person with these roles may make from the state that there is."""
    if entity.states is None:
        return []
    now, roles = values.get(entity.states.field), principal().roles
    return [
        each
        for each in entity.states.transitions.values()
        if each.to != now and (not each.sources or now in each.sources) and (not each.roles or roles & set(each.roles))
    ]


def _children(reader: Reader, entity: Entity, field: Field, values: Mapping[str, Any]) -> Belonging:
    """Return the child rows of a table field; they were read with the record."""
    child = reader.model.entity(field.target or "")
    shown = _columns(reader, child, child_paths(reader.access, child))
    rows = values.get(field.key)
    label = said(field.label)
    if rows is None:
        return Belonging(label, shown.heads, Markup(""), 0)
    found = reader.related(
        entity.key,
        str(values["id"]),
        field.key,
        Query(child.key, select=shown.select, order_by=child.order, limit=200),
    )
    return Belonging(label, shown.heads, shown.rows(reader, found), len(found))


def _columns(reader: Reader, entity: Entity, keys: Iterable[str]) -> Table:
    columns = [Column((key,)) for key in keys]
    return table(reader.access, entity, columns, locale_of(reader), f"children of {entity.key}", "plain")


def _related(reader: Reader, entity: Entity, row: Row, link: Related) -> Belonging | None:
    relation = entity.relations.get(link.relation)
    if relation is None or not reader.access.may(relation.entity, "read"):
        return None
    other = reader.model.entity(relation.entity)
    view = reader.model.views.get(link.view or "") or reader.model.default_view(relation.entity)
    shown = table_of(reader, other, view, "plain")
    query = Query(other.key, select=shown.select, order_by=view.order, limit=RELATED_ROWS)
    found = reader.related(entity.key, row.id, relation.key, query)
    here = f"/{entity.key}/{row.id}"
    new = f"/{other.key}/new?{relation.field}={row.id}&back={here}" if _may_add(reader, other, relation.field) else ""
    more = f"/{other.key}?filter={relation.field} == '{row.id}'" if found.next_cursor else ""
    return Belonging(said(relation.label), shown.heads, shown.rows(reader, found), len(found), more, new)


def _may_add(reader: Reader, other: Entity, field: str) -> bool:
    return reader.access.may(other.key, "create") and reader.access.mask(other.key).get(field) == "write"


def _kept(reader: Reader, entity: Entity, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return who made and last changed the record, and when."""
    locale = locale_of(reader)
    found = []
    for moment, person in (("created_at", "created_by.name"), ("updated_at", "updated_by.name")):
        field = entity.fields[moment]
        if values.get(moment) is not None:
            when = field.type.displayer(field.options, locale)(values[moment])
            found.append((said(field.label), " · ".join(filter(None, (when, values.get(person))))))
    return found


def _history(reader: Reader, entity: Entity, row: Row) -> list[Story] | None:
    """Return the latest of what became of the record; None where the entity does not show it."""
    if "history" not in entity.features:
        return None
    found = reader.history(entity.key, row.id, limit=HISTORY_ROWS)
    return stories(reader, entity, found, locale_of(reader))
