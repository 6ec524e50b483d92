"""What belongs to a record: its child rows and the records that lead to it, each list with its own create and acts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from flask import Blueprint, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from engine import (
    Column,
    Entity,
    Field,
    Message,
    NotFound,
    Order,
    Query,
    Reader,
    RecordInvalid,
    Related,
    Relation,
    Row,
    View,
    conjunction,
    is_id,
)
from ui.asking import principal, reading, site
from ui.frame import is_fragment, notice, page, said
from ui.pages.editing import said_title
from ui.pages.listing import entity_of, locale_of, table_of
from ui.widgets.facts import child_paths
from ui.widgets.tables import Head, Mode, Table, table

RELATED_ROWS = 20
AT_ONCE = 2
"""Related lists that come with the page; the others come when somebody looks at them."""
CHILD_ROWS = 200

routes = Blueprint("belonging", __name__)


@dataclass(frozen=True, slots=True)
class Belonging:
    """A list of records that belong to the one on the page."""

    key: str
    label: str
    icon: str = ""
    heads: tuple[tuple[Head, bool], ...] = ()
    """Each with whether what stands below it are numbers."""
    rows: Markup | str = ""
    count: str = ""
    """How many there are, "" for none; "20+" where nobody counted further."""
    more: str = ""
    """Address of the whole list, where there is more than is shown."""
    new: str = ""
    """Address of the form for another one."""
    quick: str = ""
    """Address of the short form that opens in the list."""
    later: str = ""
    """Address that the list is had from, where it does not come with the page."""
    acts: str = ""
    """Address that what is done with a row is posted to; "" where nothing can be done."""


@routes.get("/<entity>/<uuid:record_id>/related/<relation>")
def related(entity: str, record_id: Any, relation: str) -> str:
    """Return one list of what belongs to a record."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        row = reader.record(entity, str(record_id), (shown.title,))
        found = related_list(reader, shown, row, link_of(reader, entity, relation), counted=True)
        if found is None:
            raise NotFound(Message("There is no {key}", key=relation))
        if is_fragment():
            return render_template("_related.html", list=found)
        title = said_title(row.values(), shown, locale_of(reader))
        return page("related.html", reader, entity=shown, record_id=row.id, title=title, list=found)


@routes.post("/<entity>/<uuid:record_id>/related/<relation>")
def act(entity: str, record_id: Any, relation: str) -> Response:
    """Let go of a record that leads here, or put it into the recycle bin; the notice takes it back."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        reader.record(entity, str(record_id), (shown.title,))
        link = relation_of(reader, shown, Related(relation))
        if link is None:
            raise NotFound(Message("There is no {key}", key=relation))
        relation_, other = link
    unlinked = request.form.get("unlink", "")
    target = unlinked or request.form.get("delete", "")
    if not is_id(target):
        raise NotFound(Message("There is no such record"))
    records, who = site().records, principal()
    kind = "update" if unlinked else "delete"
    change_set = records.begin_set(who, kind, entity=other.key)
    try:
        if unlinked:
            values = {relation_.field: _without_it(other, relation_, target, str(record_id))}
            records.update(who, other.key, [{"id": target, **values}], via="web", change_set=change_set)
            said_so = Message("{label} unlinked", label=other.label)
        else:
            records.delete(who, other.key, [target], via="web", change_set=change_set)
            said_so = Message("{label} moved to the recycle bin", label=other.label)
    except RecordInvalid as refused:
        for each in refused.problems:
            notice(each.message, "danger")
    else:
        notice(said_so, undo=f"/{other.key}/undo/{change_set}")
    tab = request.form.get("tab", "")
    place = f"?tab={quote(tab)}" if tab else ""
    return redirect(f"/{entity}/{record_id}{place}#list-{relation}", 303)


def _without_it(other: Entity, relation: Relation, target: str, record_id: str) -> Any:
    """Return what a link holds once it no longer leads to a record."""
    if relation.kind != "lookups":
        return None
    with reading() as reader:
        ids = reader.record(other.key, target, (relation.field,)).values()[relation.field] or ()
    return [each for each in ids if each != record_id]


def link_of(reader: Reader, entity: str, relation: str) -> Related:
    """Return how the form of an entity shows a relation."""
    tabs = reader.model.form(entity).tabs
    return next((each for tab in tabs for each in tab.related if each.relation == relation), Related(relation))


# --- lists


def child_list(reader: Reader, entity: Entity, field: Field, row: Row) -> Belonging:
    """Return the child rows of a table field."""
    child = reader.model.entity(field.target or "")
    shown = _columns(reader, child, child_paths(reader.access, child))
    query = Query(child.key, select=shown.select, order_by=child.order or (Order(("id",)),), limit=CHILD_ROWS)
    found = reader.related(entity.key, row.id, field.key, query)
    more = _whole(child, field.link or entity.key, row.id) if found.next_cursor else ""
    count = _counted(len(found), more=bool(found.next_cursor))
    return Belonging(field.key, said(field.label), child.icon, _heads(shown), shown.rows(reader, found), count, more)


def _columns(reader: Reader, entity: Entity, keys: Iterable[str]) -> Table:
    columns = [Column((key,)) for key in keys]
    return table(reader.access, entity, columns, locale_of(reader), f"children of {entity.key}", "plain")


def has_more(reader: Reader, entity: Entity, links: Iterable[Related]) -> bool:
    """Say whether who reads may look at any of some relations."""
    return any(relation_of(reader, entity, each) is not None for each in links)


def relation_of(reader: Reader, entity: Entity, link: Related) -> tuple[Relation, Entity] | None:
    """Return a relation with its entity, where who reads may look at it; None where they may not."""
    relation = entity.relations.get(link.relation)
    if relation is None or not reader.access.may(relation.entity, "read"):
        return None
    seen = reader.access.mask(relation.entity).get(relation.field) in {"read", "write"}
    return (relation, reader.model.entity(relation.entity)) if seen or relation.kind == "children" else None


def related_lists(
    reader: Reader, entity: Entity, row: Row, links: Iterable[Related], at_once: int, tab: str = ""
) -> Iterable[Belonging]:
    """Yield the lists of a tab: the first ones whole, of the others where they are had from."""
    for link in links:
        known = relation_of(reader, entity, link)
        if known is None:
            continue
        if at_once > 0:
            at_once -= 1
            found = related_list(reader, entity, row, link, tab=tab)
            if found is not None:
                yield found
        else:
            relation, other = known
            later = f"/{entity.key}/{row.id}/related/{link.relation}"
            yield Belonging(link.relation, said(relation.label), other.icon, later=later)


def related_list(
    reader: Reader, entity: Entity, row: Row, link: Related, *, counted: bool = False, tab: str = ""
) -> Belonging | None:
    """Return the records of a relation; with `counted`, how many there are is asked for where not all are shown."""
    known = relation_of(reader, entity, link)
    if known is None:
        return None
    relation, other = known
    view = reader.model.views.get(link.view or "") or reader.model.default_view(other.key)
    acts = _acts(reader, relation, other)
    shown = table_of(reader, other, _without(view, relation.field), acts)
    where = view.where if link.view else None
    query = Query(other.key, select=shown.select, where=where, order_by=view.order, limit=RELATED_ROWS)
    abilities = {"related": ("update", "delete"), "belonging": ("delete",)}.get(acts, ())
    found = reader.related(entity.key, row.id, relation.key, query, abilities=abilities)
    here = f"/{entity.key}/{row.id}"
    fresh = new_address(reader, relation, other, here, tab)
    count = _counted(len(found), more=bool(found.next_cursor))
    if counted and found.next_cursor:
        _other, condition = reader.relation(entity.key, row.id, relation.key)
        count = str(
            reader.count(replace(query, where=conjunction(where, condition) if where is not None else condition))
        )
    return Belonging(
        relation.key,
        said(relation.label),
        other.icon,
        _heads(shown),
        shown.rows(reader, found),
        count,
        _whole(other, relation.field, row.id) if found.next_cursor and relation.kind == "lookup" else "",
        fresh,
        f"{here}/related/{relation.key}/new{f'?tab={quote(tab)}' if tab else ''}" if fresh else "",
        acts=f"{here}/related/{relation.key}" if acts != "plain" else "",
    )


def new_address(reader: Reader, relation: Relation, other: Entity, here: str, tab: str) -> str:
    """Return the address of the form for another record of a list; "" for who may not make one."""
    if relation.field not in reader.access.writable(other.key) or not reader.access.may(other.key, "create"):
        return ""
    value = here[1:] if relation.kind == "any" else here.rpartition("/")[2]
    back = request.full_path.rstrip("?") if "/related/" not in request.path else here
    back = f"{here}?tab={quote(tab)}" if tab and "/related/" in request.path else back
    return f"/{other.key}/new?{relation.field}={value}&back={quote(back)}"


def _acts(reader: Reader, relation: Relation, other: Entity) -> Mode:
    """Return what can be done with a row: "related" let go of and deleted, "belonging" deleted, "plain" nothing."""
    if relation.kind == "children":
        return "plain"
    field = other.fields[relation.field]
    loose = not field.required and relation.field in reader.access.writable(other.key)
    if loose and reader.access.may(other.key, "update"):
        return "related"
    return "belonging" if reader.access.may(other.key, "delete") else "plain"


def _heads(shown: Table) -> tuple[tuple[Head, bool], ...]:
    return tuple(zip(shown.heads, shown.ends, strict=True))


def _counted(number: int, *, more: bool) -> str:
    return f"{number}+" if more else str(number) if number else ""


def _without(view: View, key: str) -> View:
    """Return a view without the column that would say the same in every row: the record that the page is about."""
    columns = {path: each for path, each in view.columns.items() if each.path != (key,)}
    return replace(view, key=f"{view.key} of {key}", columns=columns) if columns else view


def _whole(entity: Entity, link: str, record_id: str) -> str:
    """Return the address of the list of all records that lead here."""
    return f"/{entity.key}?filter={quote(f'{link} == ' + chr(39) + record_id + chr(39))}"
