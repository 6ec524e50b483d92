"""The conditions of a list as parameters: `amount[ge]=1000` for each field that may be compared, and along links.

A field of an entity is a parameter of its own, an object of operators (`style: deepObject`), so that generated clients
know which operators it has and what they compare with. What stands at the end of a path (`account.name[contains]`) is
too much to list: one parameter takes them all, an object whose keys are the parameters themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine import OPERATORS, Entity, Field, Message
from ui.api.openapi.shapes import TITLES, Schema, Shapes, ref

_TEXT: Schema = {"type": "string"}
_UUID: Schema = {"type": "string", "format": "uuid"}
_SEVERAL: Schema = {"type": "string", "minLength": 1}
"""Values with commas between them."""
_IS: Schema = {"type": "string", "enum": ["null", "set"]}
_ORDERED = ("eq", "ne", "gt", "ge", "lt", "le")
_ALIKE = ("eq", "ne")
_PARTS = ("contains", "starts_with", "ends_with")
_PATH = rf"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\[({'|'.join(OPERATORS)})\]$"

_VALUES: Mapping[str, tuple[tuple[str, ...], Schema]] = {
    "number": (_ORDERED, {"type": "number"}),
    "date": (_ORDERED, {"type": "string", "format": "date"}),
    "datetime": (_ORDERED, {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]}),
    "time": (_ORDERED, {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"}),
    "boolean": (_ALIKE, {"type": "boolean"}),
    "link": (_ALIKE, _UUID),
    "text": ((*_ORDERED, *_PARTS), _TEXT),
}
"""Value type -> (operators that compare with one value, that value)."""

_ABOUT = Message("Conditions that hold all together: `{field}[{operator}]=…`; `in` and `not_in` take commas.")
_ALONG = Message("Conditions along links, such as `{path}[contains]=…`: each key is a parameter of the address.")


def shared(shapes: Shapes) -> dict[str, Schema]:
    """Return the schemas of conditions that many fields have."""
    about = shapes.said(_ABOUT, field="amount", operator="ge")
    made = {name: _operators(operators, value) for name, (operators, value) in _VALUES.items()}
    made["list"] = _object({"contains": _TEXT, "is": _IS})
    made["links"] = _object({"contains": _UUID})
    made["any"] = _object({"is": _IS})
    return {f"guanxi.where.{name}": {**schema, "description": about} for name, schema in made.items()}


def conditions(shapes: Shapes, entity: Entity, taken: frozenset[str]) -> Iterator[Schema]:
    """Yield the parameters by which a list of an entity is narrowed; `taken` are names that mean something else."""
    row = shapes.made[entity.key]["properties"]
    beside: Schema = {}
    for key, schema in row.items():
        if key == TITLES or schema.get("x-masked"):
            continue
        field = entity.fields[key]
        narrowed = _of(field)
        if narrowed is None:
            continue
        if key in taken:
            # A field called `limit` cannot be a parameter of its own beside the one that is.
            beside |= _flat(key, field)
        else:
            gone = {"deprecated": True} if field.deprecated is not None else {}
            yield {"name": key, "in": "query", "style": "deepObject", "explode": True, "schema": narrowed, **gone}
    path = next((key for key in row if "x-entity" in row[key]), "owner")
    along = {
        "type": "object",
        "properties": beside,
        "patternProperties": {_PATH: _TEXT},
        "additionalProperties": False,
    }
    said = shapes.said(_ALONG, path=f"{path}.name")
    yield {"name": "along_links", "in": "query", "style": "form", "explode": True, "schema": along, "description": said}


def _of(field: Field) -> Schema | None:
    """Return what a field can be compared with; None when it cannot."""
    kind = field.value_type.name.lower()
    if field.type.links == "children":
        return None
    if field.type.links == "many":
        return ref("guanxi.where.links")
    if field.choices:
        one: Schema = {"type": "string", "enum": list(field.choices)}
        if kind == "list":
            return _object({"contains": one, "is": _IS})
        return _operators((*_ALIKE,), one, dict.fromkeys((*_ORDERED[2:], *_PARTS), _TEXT))
    return ref(f"guanxi.where.{kind if kind in _VALUES or kind == 'list' else 'any'}")


def _flat(key: str, field: Field) -> Schema:
    """Return the conditions of a field, each under the whole name of its parameter."""
    found = _of(field) or {}
    if "$ref" in found:
        operators, value = _VALUES.get(field.value_type.name.lower(), ((), _TEXT))
        found = _operators(operators, value) if operators else _object({"is": _IS})
    return {f"{key}[{operator}]": schema for operator, schema in found["properties"].items()}


def _operators(names: tuple[str, ...], value: Schema, more: Schema | None = None) -> Schema:
    return _object({**dict.fromkeys(names, value), **(more or {}), "in": _SEVERAL, "not_in": _SEVERAL, "is": _IS})


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}
