"""What is seen, needed and offered in a form as it stands, where the browser cannot tell by itself."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from engine import BadValue, Entity, Expr, Field, Message, NotFound, Reader, is_id
from ui.asking import reading
from ui.pages.editing import Editing, Filling, blank, editing, stored
from ui.pages.listing import entity_of, locale_of
from ui.pages.posting import read
from ui.widgets.conditions import condition, holds, is_readable, of_form
from ui.widgets.inputs import is_secret

routes = Blueprint("logic", __name__)


@routes.post("/<entity>/form/logic")
def logic(entity: str) -> Response:
    """Return as JSON what holds: `fields` by key, `sections` by key; what nobody can say is left out."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        record = request.form.get("record", "")
        record = record if is_id(record) else ""
        if not record:
            reader.access.require(entity, "create")
        form = editing(reader, shown, "update" if record else "create")
        locale = locale_of(reader)
        filling = stored(reader, form, record)[0] if record else blank(reader, form, {}, locale)
        sent = read(reader, form, locale)
        filling.typed = sent.values
        values = {**filling.now(), **_beyond(reader, form, filling)}
        told = _Told(reader, shown, values, "" if sent.values else record)
        fields = {key: found for key, each in form.fields.items() if (found := told.field(each))}
        sections = {
            section.key: seen
            for tab in form.form.tabs
            for section in tab.sections
            if section.visible_when is not None and (seen := told.holds(section.visible_when)) is not None
        }
    return jsonify(fields=fields, sections=sections)


def asks_server(reader: Reader, form: Editing) -> bool:
    """Say whether a form has conditions that no browser can work out."""
    key = form.entity.key
    return any(condition(reader.model, key, expr).tree is None for expr in of_form(form.form, form.entity, form.fields))


@routes.post("/<entity>/form/read")
def read_one(entity: str) -> Response:
    """Return how a value is read that was typed into a field, as JSON: `value` as it is kept, else `problem`."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        field, locale = _field(reader, shown, request.form.get("field", "")), locale_of(reader)
        typed = request.form.get("value", "")
        try:
            value = field.type.read(typed, field.options, locale)
        except BadValue as error:
            return jsonify(value="", problem=error.in_(locale.language))
        if value is None:
            return jsonify(value="", problem="")
        # A telephone number is written as people read it; it is understood in that form too.
        show = field.type.display if field.type.name == "phone" else field.type.format
        return jsonify(value=show(value, field.options, locale), problem="")


def _field(reader: Reader, shown: Entity, name: str) -> Field:
    """Return the field of an input: of the record, or of a child row such as `items-0-amount`.

    Raises:
        NotFound: who types may fill in no such field.
    """
    key, _, inner = name.partition("-")
    inner = inner.partition("-")[2]
    found = shown.fields.get(key)
    entity = shown
    if found is not None and inner and found.type.links == "children" and found.target is not None:
        entity = reader.model.entity(found.target)
        found = entity.fields.get(inner)
    may = found is not None and reader.access.mask(entity.key).get(found.key) in {"write", "masked"}
    if found is None or not may or found.type.links or is_secret(found):
        raise NotFound(Message("There is no {key}", key=name))
    return found


def _beyond(reader: Reader, form: Editing, filling: Filling) -> Mapping[str, Any]:
    """Return what lies beyond the links that were changed in the form, as far as the conditions read it."""
    entity, found = form.entity, dict[str, Any]()
    wanted: dict[str, list[str]] = {}
    for expr in of_form(form.form, entity, form.fields):
        for path in condition(reader.model, entity.key, expr).reads:
            first, _, rest = path.partition(".")
            if rest and first in filling.typed and is_readable(reader, entity, path):
                wanted.setdefault(first, []).append(rest)
    for key, paths in wanted.items():
        target, value = entity.fields[key].target, filling.typed.get(key)
        found.update(dict.fromkeys((f"{key}.{path}" for path in paths), None))
        if target is None or not isinstance(value, str) or not is_id(value):
            continue
        with suppress(NotFound):
            row = reader.record(target, value, tuple(paths)).values()
            found.update({f"{key}.{path}": row.get(path) for path in paths})
    return found


class _Told:
    """Answers conditions for the values of one form."""

    def __init__(self, reader: Reader, entity: Entity, values: Mapping[str, Any], record_id: str) -> None:
        self._reader, self._entity, self._values, self._id = reader, entity, values, record_id

    def holds(self, expr: Expr | None) -> bool | None:
        """Say whether a condition holds; None when there is none, or nobody can say."""
        if expr is None:
            return None
        return holds(self._reader, self._entity.key, expr, self._values, self._id)

    def field(self, each: Field) -> Mapping[str, Any]:
        """Return what holds for one field."""
        found = {"visible": self.holds(each.visible_when), "required": self.holds(each.required_when)}
        told: dict[str, Any] = {name: value for name, value in found.items() if value is not None}
        options = {key: value for key, expr in each.options_when.items() if (value := self.holds(expr)) is not None}
        return {**told, "options": options} if options else told
