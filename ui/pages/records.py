"""The page of one record: its facts, what can be done with it, what belongs to it, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from flask import Blueprint, redirect, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from engine import Entity, Form, Message, NotFound, Reader, Row
from ui.asking import language, principal, reading, site
from ui.frame import notice, page, said, within, words
from ui.pages.acts import Act, acts, register
from ui.pages.belonging import AT_ONCE, child_list, has_more, related_lists
from ui.pages.deleting import has_consequences
from ui.pages.editing import said_title
from ui.pages.history import Story, stories
from ui.pages.listing import entity_of, locale_of
from ui.pages.merging import survivor_of
from ui.pages.stream import has_stream
from ui.safe import own_path
from ui.widgets.cells import option_markup
from ui.widgets.conditions import wanted_paths
from ui.widgets.facts import Facts, facts
from ui.widgets.highlights import Highlights, highlights
from ui.widgets.stages import stage_bar

HISTORY_ROWS = 8
ABILITIES = ("update", "delete")

routes = Blueprint("records", __name__)


@routes.get("/<entity>/<uuid:record_id>")
def record(entity: str, record_id: Any) -> str | Response:
    """Show a record."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        form = reader.model.form(entity)
        tab = next((each for each in form.tabs if each.key == request.args.get("tab")), form.tabs[0])
        locale = locale_of(reader)
        told = facts(reader, shown, tab.sections, locale, f"{form.key}/{tab.key}")
        key_facts = highlights(reader, shown, locale)
        try:
            row = reader.record(entity, str(record_id), _select(reader, shown, told, key_facts), ABILITIES)
        except NotFound:
            merged = survivor_of(reader, entity, str(record_id))
            if merged is None:
                raise
            notice(Message("This {label} was merged into another one, which you see here.", label=within(shown.label)))
            return redirect(f"/{entity}/{merged}", 302)
        values = row.values()
        children = [child_list(reader, shown, each, row) for each in told.children]
        at_once = max(AT_ONCE - len(children), 0)
        bar = stage_bar(reader, shown, values, row, language())
        streams = has_stream(reader, shown)
        return page(
            "record.html",
            reader,
            entity=shown,
            up=_up(reader, shown, values),
            record_id=row.id,
            title=said_title(values, shown, locale),
            state=_state(shown, values) if bar is None else None,
            bar=bar,
            highlights=key_facts.shown(reader, values, language()),
            reach=_reach(reader, shown, form, values),
            may_update=row.may("update"),
            acts=acts(reader, shown, row),
            tabs=[each for each in form.tabs if has_more(reader, shown, each.related) or each.sections],
            tab=tab,
            facts=told.html(reader, values, row.id, edit=row.may("update")),
            empty=told.empty(values),
            lists=[*children, *related_lists(reader, shown, row, tab.related, at_once, tab.key)],
            kept=_kept(reader, shown, values),
            version=row.version,
            streams=streams,
            history=None if streams else _history(reader, shown, row),
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


@register
def _delete(reader: Reader, entity: Entity, row: Row) -> Iterable[Act]:
    if row.may("delete"):
        # What others hang on is asked about first; the rest goes at once, and comes back by the notice.
        method: Literal["get", "post"] = "get" if has_consequences(reader.model, entity.key) else "post"
        yield Act(words("Delete"), f"/{entity.key}/{row.id}/delete", "trash", method, order=90, danger=True)


# --- the record itself


def _select(reader: Reader, entity: Entity, told: Facts, key_facts: Highlights) -> tuple[str, ...]:
    """Return what the page needs of a record: its facts, its name, its state, and who made and changed it."""
    mask = reader.access.mask(entity.key)
    paths = dict.fromkeys((entity.title, *told.select, *key_facts.select, "created_at", "updated_at"))
    paths.update(dict.fromkeys(_numbers(entity, reader.model.form(entity.key))))
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


@dataclass(frozen=True, slots=True)
class Reach:
    """How to speak to whom a record is about, by one press."""

    scheme: str
    value: str
    label: str
    icon: str


def _reach(reader: Reader, entity: Entity, form: Form, values: Mapping[str, Any]) -> list[Reach]:
    """Return the first number and address of a record that may be seen."""
    mask, found = reader.access.mask(entity.key), []
    for kind, scheme, label, icon in (
        ("phone", "tel", words("Call"), "phone"),
        ("email", "mailto", words("Mail"), "mail"),
    ):
        for key in _numbers(entity, form):
            value = values.get(key)
            if entity.fields[key].type.name == kind and value and mask.get(key) in {"read", "write"}:
                found.append(Reach(scheme, str(value), label, icon))
                break
    return found


def _numbers(entity: Entity, form: Form) -> tuple[str, ...]:
    """Return the fields that hold numbers to call and addresses to write to, those of the highlights first."""
    keys = dict.fromkeys((*form.highlights, *entity.fields))
    return tuple(key for key in keys if key in entity.fields and entity.fields[key].type.name in {"phone", "email"})


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
