"""The page of one record: its facts, what can be done with it, what belongs to it, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from flask import Blueprint, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from engine import Column, Entity, Field, Message, NotFound, Order, Query, Reader, Related, Row, Transition, View
from ui.asking import language, principal, reading, site
from ui.frame import is_fragment, notice, page, said, words
from ui.pages.acts import Act, acts, register
from ui.pages.editing import said_title
from ui.pages.history import Story, stories
from ui.pages.listing import entity_of, locale_of, table_of
from ui.safe import own_path
from ui.widgets.cells import option_markup
from ui.widgets.conditions import holds, wanted_paths
from ui.widgets.facts import Facts, child_paths, facts
from ui.widgets.tables import Head, Table, table

RELATED_ROWS = 20
AT_ONCE = 2
"""Related lists that come with the page; the others come when somebody looks at them."""
CHILD_ROWS = 200
HISTORY_ROWS = 8
ABILITIES = ("update", "delete")

routes = Blueprint("records", __name__)


@dataclass(frozen=True, slots=True)
class Belonging:
    """A list of records that belong to the one on the page."""

    key: str
    label: str
    heads: tuple[Head, ...] = ()
    rows: Markup | str = ""
    count: int = 0
    more: str = ""
    """Address of the whole list, where there is more than is shown."""
    new: str = ""
    """Address of the form for another one."""
    later: str = ""
    """Address that the list is had from, where it does not come with the page."""


@routes.get("/<entity>/<uuid:record_id>")
def record(entity: str, record_id: Any) -> str:
    """Show a record."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        form = reader.model.form(entity)
        tab = next((each for each in form.tabs if each.key == request.args.get("tab")), form.tabs[0])
        locale = locale_of(reader)
        told = facts(reader, shown, tab.sections, locale, f"{form.key}/{tab.key}")
        row = reader.record(entity, str(record_id), _select(reader, shown, told), ABILITIES)
        values = row.values()
        children = [_children(reader, shown, each, row) for each in told.children]
        at_once = max(AT_ONCE - len(children), 0)
        return page(
            "record.html",
            reader,
            entity=shown,
            up=_up(reader, shown, values),
            record_id=row.id,
            title=said_title(values, shown, locale),
            state=_state(shown, values),
            transitions=_transitions(reader, shown, values, row),
            may_update=row.may("update"),
            acts=acts(reader, shown, row),
            tabs=[each for each in form.tabs if _has_more(reader, shown, each.related) or each.sections],
            tab=tab,
            facts=told.html(reader, values, row.id),
            lists=[*children, *_lists(reader, shown, row, tab.related, at_once)],
            kept=_kept(reader, shown, values),
            history=_history(reader, shown, row),
        )


@routes.get("/<entity>/<uuid:record_id>/related/<relation>")
def related(entity: str, record_id: Any, relation: str) -> str:
    """Return one list of what belongs to a record."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        row = reader.record(entity, str(record_id), (shown.title,))
        link = next(
            (each for tab in reader.model.form(entity).tabs for each in tab.related if each.relation == relation),
            Related(relation),
        )
        found = _related(reader, shown, row, link)
        if found is None:
            raise NotFound(Message("There is no {key}", key=relation))
        if is_fragment():
            return render_template("_related.html", list=found)
        title = said_title(row.values(), shown, locale_of(reader))
        return page("related.html", reader, entity=shown, record_id=row.id, title=title, list=found)


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


@register
def _delete(reader: Reader, entity: Entity, row: Row) -> Iterable[Act]:
    if row.may("delete"):
        yield Act(words("Delete"), f"/{entity.key}/{row.id}/delete", "trash", "post", order=90, danger=True)


# --- the record itself


def _select(reader: Reader, entity: Entity, told: Facts) -> tuple[str, ...]:
    """Return what the page needs of a record: its facts, its name, its state, and who made and changed it."""
    mask = reader.access.mask(entity.key)
    paths = dict.fromkeys((entity.title, *told.select, "created_at", "updated_at"))
    paths.update(dict.fromkeys(("created_by.name", "updated_by.name")))
    if entity.owned:
        paths["owner"] = None
    if entity.parent_field is not None:
        paths[entity.parent_field] = None
    if entity.states is not None:
        paths[entity.states.field] = None
        conditions = [each.when for each in entity.states.transitions.values() if each.when is not None]
        paths.update(dict.fromkeys(wanted_paths(reader, entity, conditions)))
    return tuple(path for path in paths if mask.get(path.split(".", 1)[0], "hidden") != "hidden")


def _up(reader: Reader, entity: Entity, values: Mapping[str, Any]) -> tuple[str, str]:
    """Return (address, words) of what the record is part of: the parent of a child row, else the list."""
    parent = values.get(entity.parent_field) if entity.parent_field is not None else None
    if parent is None or entity.parent is None:
        return f"/{entity.key}", said(entity.plural)
    title = reader.titles(entity.parent, [parent]).get(parent)
    return f"/{entity.parent}/{parent}", title or said(reader.model.entity(entity.parent).label)


def _state(entity: Entity, values: Mapping[str, Any]) -> Markup | None:
    if entity.states is None or values.get(entity.states.field) is None:
        return None
    return option_markup(entity.fields[entity.states.field], values[entity.states.field], language(), pill=True)


def _transitions(reader: Reader, entity: Entity, values: Mapping[str, Any], row: Row) -> list[Transition]:
    """Return the transitions that who reads may make now, from the state that there is."""
    if entity.states is None or entity.states.field not in values or not row.may("update"):
        return []
    now = values[entity.states.field]
    return [
        each
        for each in entity.states.transitions.values()
        if (not each.sources or now in each.sources)
        and (each.sources or each.to != now)
        and reader.access.may_make(each)
        and (each.when is None or holds(reader, entity.key, each.when, values, row.id) is not False)
    ]


def _kept(reader: Reader, entity: Entity, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return who made and last changed the record, and when."""
    locale = locale_of(reader)
    found = []
    for moment, person in (("created_at", "created_by.name"), ("updated_at", "updated_by.name")):
        field = entity.fields[moment]
        value = values.get(moment)
        if value is not None:
            # What is masked is a mark already.
            when = value if isinstance(value, str) else field.type.displayer(field.options, locale)(value)
            found.append((said(field.label), " · ".join(filter(None, (when, values.get(person))))))
    return found


def _history(reader: Reader, entity: Entity, row: Row) -> list[Story] | None:
    """Return the latest of what became of the record; None where the entity does not show it."""
    if "history" not in entity.features:
        return None
    found = reader.history(entity.key, row.id, limit=HISTORY_ROWS)
    return stories(reader, entity, found, locale_of(reader), brief=True)


# --- what belongs to it


def _children(reader: Reader, entity: Entity, field: Field, row: Row) -> Belonging:
    """Return the child rows of a table field."""
    child = reader.model.entity(field.target or "")
    shown = _columns(reader, child, child_paths(reader.access, child))
    query = Query(child.key, select=shown.select, order_by=child.order or (Order(("id",)),), limit=CHILD_ROWS)
    found = reader.related(entity.key, row.id, field.key, query)
    more = _whole(reader, child, field.link or entity.key, row.id) if found.next_cursor else ""
    return Belonging(field.key, said(field.label), shown.heads, shown.rows(reader, found), len(found), more)


def _columns(reader: Reader, entity: Entity, keys: Iterable[str]) -> Table:
    columns = [Column((key,)) for key in keys]
    return table(reader.access, entity, columns, locale_of(reader), f"children of {entity.key}", "plain")


def _has_more(reader: Reader, entity: Entity, links: Iterable[Related]) -> bool:
    return any(_relation(reader, entity, each) is not None for each in links)


def _relation(reader: Reader, entity: Entity, link: Related) -> Entity | None:
    """Return the entity of a relation that who reads may look at; None where they may not."""
    relation = entity.relations.get(link.relation)
    if relation is None or not reader.access.may(relation.entity, "read"):
        return None
    seen = reader.access.mask(relation.entity).get(relation.field) in {"read", "write"}
    return reader.model.entity(relation.entity) if seen or relation.kind == "children" else None


def _lists(reader: Reader, entity: Entity, row: Row, links: Iterable[Related], at_once: int) -> Iterable[Belonging]:
    for link in links:
        if _relation(reader, entity, link) is None:
            continue
        if at_once > 0:
            at_once -= 1
            found = _related(reader, entity, row, link)
            if found is not None:
                yield found
        else:
            label = said(entity.relations[link.relation].label)
            later = f"/{entity.key}/{row.id}/related/{link.relation}"
            yield Belonging(link.relation, label, later=later)


def _related(reader: Reader, entity: Entity, row: Row, link: Related) -> Belonging | None:
    other = _relation(reader, entity, link)
    if other is None:
        return None
    relation = entity.relations[link.relation]
    view = reader.model.views.get(link.view or "") or reader.model.default_view(other.key)
    shown = table_of(reader, other, _without(view, relation.field), "plain")
    query = Query(other.key, select=shown.select, order_by=view.order, limit=RELATED_ROWS)
    found = reader.related(entity.key, row.id, relation.key, query)
    here = f"/{entity.key}/{row.id}"
    value = here[1:] if relation.kind == "any" else row.id
    may_add = relation.field in reader.access.writable(other.key) and reader.access.may(other.key, "create")
    back = quote(request.full_path.rstrip("?")) if "/related/" not in request.path else here
    new = f"/{other.key}/new?{relation.field}={value}&back={back}"
    more = _whole(reader, other, relation.field, row.id) if found.next_cursor and relation.kind == "lookup" else ""
    return Belonging(
        relation.key,
        said(relation.label),
        shown.heads,
        shown.rows(reader, found),
        len(found),
        more,
        new if may_add else "",
    )


def _without(view: View, key: str) -> View:
    """Return a view without the column that would say the same in every row: the record that the page is about."""
    columns = {path: each for path, each in view.columns.items() if each.path != (key,)}
    return replace(view, key=f"{view.key} of {key}", columns=columns) if columns else view


def _whole(reader: Reader, entity: Entity, link: str, record_id: str) -> str:
    """Return the address of the list of all records that lead here."""
    return f"/{entity.key}?filter={quote(f'{link} == ' + chr(39) + record_id + chr(39))}"
