"""Examples, made from what the metadata says of a value: of the right type, within its limits, the same every time."""

from __future__ import annotations

from typing import Any

from engine import Entity, Field
from ui.api.openapi.shapes import Shapes, is_required

_UUID = "01990000-0000-7000-8000-000000000001"
_BY_FORMAT = {
    "date": "2026-03-01",
    "date-time": "2026-03-01T08:30:00.000Z",
    "uuid": _UUID,
    "email": "li.na@example.com",
    "uri": "https://example.com",
    "decimal": "1250",
}
_BY_TYPE: dict[str, Any] = {
    "phone": "+8613800138000",
    "time": "09:30:00",
    "color": "#1a73e8",
    "address": {"country": "中国", "province": "浙江", "city": "杭州", "street": "文三路 1 号"},
    "geo": {"lat": 30.25, "lng": 120.17},
    "json": {},
    "richtext": "<p>…</p>",
}
_MOST = 8
"""Fields of an example that are not required."""
_COMPARED = frozenset({"number", "money", "percent", "integer", "duration", "rating"})


class Samples:
    """Examples of one entity."""

    def __init__(self, shapes: Shapes, entity: Entity) -> None:
        self._shapes = shapes
        self._entity = entity

    def record(self) -> dict[str, Any]:
        """Return what could be sent to make a record: what is required, and a few fields more."""
        made: dict[str, Any] = {}
        optional = 0
        for key in self._shapes.made[f"{self._entity.key}.create"]["properties"]:
            field = self._entity.fields[key]
            if field.system or field.type.links == "children":
                continue
            if not is_required(field):
                optional += 1
                if optional > _MOST or field.type.links:
                    continue
            value = self.value(field)
            if value is not None:
                made[key] = value
        return made

    def value(self, field: Field) -> Any:
        """Return a value that a field takes; None where nothing says what one looks like."""
        schema = field.type.json_schema(field.options)
        if field.choices:
            first = next((each.key for each in field.choices.values() if not each.hidden), None)
            return [first] if schema.get("type") == "array" and first is not None else first
        if field.type.name in _BY_TYPE:
            return _BY_TYPE[field.type.name]
        if schema.get("format") in _BY_FORMAT:
            return _BY_FORMAT[schema["format"]]
        match schema.get("type"):
            case "integer":
                return max(1, schema.get("minimum", 1))
            case "boolean":
                return True
            case "string" if "pattern" not in schema:
                return field.label.in_(self._shapes.language)[: schema.get("maxLength", 40)]
        return None

    def condition(self) -> str:
        """Return a filter over fields that the caller sees."""
        found: list[str] = []
        row = self._shapes.made[self._entity.key]["properties"]
        for key, schema in row.items():
            field = self._entity.fields.get(key)
            if field is None or field.system or schema.get("x-masked"):
                continue
            if field.choices and field.type.name == "select" and not any("==" in each for each in found):
                found.append(f"{key} == '{next(iter(field.choices))}'")
            elif field.type.result(field.options).name in _COMPARED and not any(">" in each for each in found):
                found.append(f"{key} > 1000")
        return " and ".join(found[:2]) or "created_at > today - 7"

    def query(self) -> dict[str, Any]:
        """Return a query for numbers over fields that the caller sees."""
        row = self._shapes.made[self._entity.key]["properties"]
        fields = [
            self._entity.fields[key] for key, schema in row.items() if "title" in schema and not schema.get("x-masked")
        ]
        group = next((each.key for each in fields if each.choices and each.type.name == "select"), None)
        number = next((each.key for each in fields if each.type.name in {"money", "number"}), None)
        made: dict[str, Any] = {"group_by": [group]} if group else {}
        made["aggregates"] = ["count()", *([f"sum({number})"] if number else [])]
        return made
