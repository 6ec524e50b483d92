"""What a caller may know of the metadata: the objects and fields that they may read, and what they may do with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response

from engine import ACTIONS, Entity, Field, Message, NotFound, Order, Reader, Transition, View, offered
from ui.api.body import answer, parameters
from ui.asking import program_language, reading, site

routes = Blueprint("meta", __name__)


@routes.get("/meta")
def entities() -> Response:
    """Return the entities that the caller may read, who they are, and how much one request may ask for."""
    parameters()
    with reading() as reader:
        model, who, limits = reader.model, reader.principal, site().config.limits
        readable = [each for each in model.entities.values() if reader.access.may(each.key, "read")]
        return answer(
            {
                "revision": model.revision,
                "user": {
                    "id": who.id,
                    "name": who.name,
                    "language": who.language,
                    "timezone": who.timezone,
                    "scopes": sorted(who.scopes) if who.scopes is not None else ["*"],
                },
                "currency": model.currency,
                "languages": list(model.languages),
                "limits": {
                    "rows_per_page": limits.rows_per_page,
                    "rows_per_write": limits.rows_per_write,
                    "query_seconds": limits.query_seconds,
                    "upload_megabytes": limits.upload_megabytes,
                },
                "data": [_summary(reader, each) for each in readable],
            }
        )


@routes.get("/meta/<entity>")
def entity(entity: str) -> Response:
    """Return one entity with the fields that the caller may see, its transitions, views and unique keys."""
    parameters()
    with reading() as reader:
        found = reader.model.entities.get(entity)
        if found is None or not reader.access.may(entity, "read"):
            raise NotFound(Message("There is no {key}", key=entity))
        mask, opens, columns = reader.access.mask(entity), reader.access.revealable(entity), reader.columns(entity)
        fields = [
            {**_field(found.fields[key], mask[key]), **({"revealable": True} if key in opens else {})}
            for key in columns
        ]
        seen = frozenset(columns)
        return answer(
            {
                **_summary(reader, found),
                "revision": reader.model.revision,
                "title": found.title,
                "features": sorted(found.features),
                "fields": fields,
                "unique": list(_unique(found, seen)),
                "state_field": found.states.field if found.states is not None and found.states.field in seen else None,
                "transitions": list(_transitions(reader, found, seen)),
                "relations": list(_relations(reader, found)),
                "views": list(_views(reader, found, seen)),
            }
        )


def _summary(reader: Reader, entity: Entity) -> dict[str, Any]:
    language = program_language()
    return {
        "entity": entity.key,
        "label": entity.label.in_(language),
        "plural": entity.plural.in_(language),
        "help": entity.help.in_(language) if entity.help is not None else None,
        "icon": entity.icon,
        "parent": entity.parent,
        "actions": [action for action in ACTIONS if reader.access.may(entity.key, action)],
        **({} if entity.deprecated is None else {"deprecated": entity.deprecated.json()}),
    }


def _field(field: Field, mask: str) -> dict[str, Any]:
    language, shown = program_language(), field.type.result(field.options)
    about: dict[str, Any] = {
        "key": field.key,
        "type": field.type.name,
        "label": field.label.in_(language),
        "required": field.required,
        "access": mask if field.writable or mask == "masked" else "read",
        "sortable": field.type.sortable,
        "filters": list(shown.filters()) if mask != "masked" else [],
        "schema": field.type.json_schema(field.options),
        "input_schema": field.type.input_schema(field.options) if field.writable else None,
    }
    if field.deprecated is not None:
        about["deprecated"] = field.deprecated.json()
    if field.help is not None:
        about["help"] = field.help.in_(language)
    if field.target is not None:
        about["to"] = field.target
    if field.targets:
        about["to_any"] = list(field.targets)
    if field.choices:
        about["options"] = [
            {"key": option.key, "label": option.label.in_(language)}
            for option in field.choices.values()
            if not option.hidden
        ]
    return about


def _unique(entity: Entity, seen: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield by what records can be told apart, which is what `on` of an upsert may name."""
    for key, field in entity.fields.items():
        if key in seen and (field.unique or key in {"id", "external_id"}):
            yield {"key": key, "fields": [key]}
    for rule in entity.unique.values():
        if seen.issuperset(rule.fields):
            yield {"key": rule.key, "fields": list(rule.fields)}


def _transitions(reader: Reader, entity: Entity, seen: frozenset[str]) -> Iterator[dict[str, Any]]:
    if entity.states is None or entity.states.field not in seen:
        return
    for each in entity.states.transitions.values():
        yield {
            "key": each.key,
            "label": each.label.in_(program_language()),
            "from": list(each.sources),
            "to": each.to,
            "requires": [key for key in each.requires if key in seen],
            "allowed": _may_make(reader, entity, each),
        }


def _may_make(reader: Reader, entity: Entity, step: Transition) -> bool:
    """Say whether the caller may make a transition of some record."""
    return reader.access.may_make(step) and reader.access.may(entity.key, "update")


def _relations(reader: Reader, entity: Entity) -> Iterator[dict[str, Any]]:
    """Yield which records lead here: a filter on their link lists them."""
    for each in entity.relations.values():
        other = reader.model.entities.get(each.entity)
        if other is None or not reader.access.may(each.entity, "read"):
            continue
        if each.field in reader.columns(each.entity):
            yield {
                "key": each.key,
                "label": each.label.in_(program_language()),
                "entity": each.entity,
                "field": each.field,
            }


def _views(reader: Reader, entity: Entity, seen: frozenset[str]) -> Iterator[dict[str, Any]]:
    for view in reader.model.views.values():
        if view.entity == entity.key and offered(reader.access, view):
            yield _view(view, seen)


def _view(view: View, seen: frozenset[str]) -> dict[str, Any]:
    return {
        "key": view.key,
        "title": view.title.in_(program_language()),
        "columns": [path for path in view.columns if path.partition(".")[0] in seen],
        "order": [_order(each) for each in view.order if each.path[0] in seen],
    }


def _order(order: Order) -> str:
    return f"{'-' if order.descending else ''}{'.'.join(order.path)}"
