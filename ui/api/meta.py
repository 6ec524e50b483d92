"""What a caller may know of the metadata: the entities and fields that they may read, and what they may do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from engine import ACTIONS, Entity, Field, Message, NotFound, Reader
from ui.api.records import answer
from ui.asking import program_language, reading

routes = Blueprint("meta", __name__)


@routes.get("/meta")
def entities() -> Response:
    """Return the entities that the caller may read."""
    with reading() as reader:
        model = reader.model
        return answer(
            {
                "revision": model.revision,
                "data": [
                    _summary(reader, each) for each in model.entities.values() if reader.access.may(each.key, "read")
                ],
            }
        )


@routes.get("/meta/<entity>")
def entity(entity: str) -> Response:
    """Return one entity with the fields that the caller may see."""
    with reading() as reader:
        found = reader.model.entities.get(entity)
        if found is None or not reader.access.may(entity, "read"):
            raise NotFound(Message("There is no {key}", key=entity))
        mask = reader.access.mask(entity)
        opens = reader.access.revealable(entity)
        fields = [
            {**_field(found.fields[key], mask[key]), **({"revealable": True} if key in opens else {})}
            for key in reader.columns(entity)
        ]
        return answer({**_summary(reader, found), "title": found.title, "fields": fields})


def _summary(reader: Reader, entity: Entity) -> dict[str, Any]:
    return {
        "entity": entity.key,
        "label": entity.label.in_(program_language()),
        "plural": entity.plural.in_(program_language()),
        "parent": entity.parent,
        "actions": [action for action in ACTIONS if reader.access.may(entity.key, action)],
    }


def _field(field: Field, mask: str) -> dict[str, Any]:
    about: dict[str, Any] = {
        "key": field.key,
        "type": field.type.name,
        "label": field.label.in_(program_language()),
        "required": field.required,
        "access": mask if field.writable or mask == "masked" else "read",
        "schema": field.type.json_schema(field.options),
    }
    if field.target is not None:
        about["to"] = field.target
    if field.choices:
        about["options"] = [
            {"key": option.key, "label": option.label.in_(program_language())}
            for option in field.choices.values()
            if not option.hidden
        ]
    return about
