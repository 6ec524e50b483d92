"""The records that a test begins with: those that it names, and the least that these need to be valid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.data.principal import SYSTEM
from engine.data.records import Records
from engine.errors import BadValue, GuanxiError
from engine.i18n import Message
from engine.ids import is_id
from engine.metadata.model import Entity, Field, Model
from engine.scenario.outcome import said

VIA = "test"
_LONGEST = 24
"""Texts are tried up to this length, or up to the least that a field takes."""


class Given:
    """Makes records by name in one transaction, each when it is first needed."""

    def __init__(
        self, model: Model, records: Records, connection: Any, said: Mapping[str, Mapping[str, Any]], owner: str | None
    ) -> None:
        self._model, self._records, self._connection = model, records, connection
        self._said, self.owner = said, owner
        self._ids: dict[tuple[str, str], str] = {}
        self._under_way: list[tuple[str, str]] = []
        self._count = 0

    def make_all(self) -> None:
        """Make every record that the test names."""
        for entity, rows in self._said.items():
            for name in rows:
                self.id(entity, name)

    def find(self, name: str) -> tuple[str, str] | None:
        """Return (entity, id) of a record by name alone; None when the test names none so."""
        return next(((entity, id_) for (entity, known), id_ in self._ids.items() if known == name), None)

    def name(self, entity: str, name: str, id_: str) -> None:
        """Let a record be known by a name from now on."""
        self._ids[entity, name] = id_

    def id(self, entity: str, name: str) -> str:
        """Return the id of a record by name, made now if it is not there yet.

        Raises:
            GuanxiError: it cannot be made.
        """
        key = (entity, name)
        found = self._ids.get(key)
        if found is not None:
            return found
        if key in self._under_way:
            raise GuanxiError(
                Message("The given records {names} need each other", names=", ".join(n for _, n in self._under_way))
            )
        self._under_way.append(key)
        kind = self._model.entity(entity)
        values = self.values(kind, self._said.get(entity, {}).get(name) or {})
        self._complete(kind, values, name)
        if kind.owned and "owner" not in values:
            values["owner"] = self.owner
        try:
            [written] = self._records.create(SYSTEM, entity, [values], via=VIA, connection=self._connection)
        except GuanxiError as error:
            raise GuanxiError(
                Message("The given {entity} {name} cannot be made: {why}", entity=entity, name=name, why=said(error))
            ) from error
        self._under_way.pop()
        self._ids[key] = written.id
        return written.id

    def values(self, kind: Entity, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return values with the names of records replaced by their ids."""
        return {key: self._value(kind.fields.get(key), value) for key, value in said.items()}

    def _value(self, field: Field | None, value: Any) -> Any:
        if field is None or value is None:
            return value
        if field.type.links == "one" and field.target is not None:
            return self._link(field.target, value)
        if field.type.links == "many" and field.target is not None:
            return [self._link(field.target, each) for each in (value if isinstance(value, list) else [value])]
        if field.type.links == "children" and field.target is not None and isinstance(value, list):
            child = self._model.entity(field.target)
            return [self.values(child, row) if isinstance(row, Mapping) else row for row in value]
        if field.type.links == "any" and isinstance(value, str) and "/" in value:
            entity, _, name = value.partition("/")
            return f"{entity}/{self._link(entity, name)}"
        return value

    def _link(self, entity: str, value: Any) -> Any:
        if not isinstance(value, str) or is_id(value):
            return value
        # A name that the test does not give is a record all the same: it only has to be there.
        return self.id(entity, value)

    def _complete(self, kind: Entity, values: dict[str, Any], name: str) -> None:
        for key, field in kind.fields.items():
            given = key in values and values[key] is not None
            if (
                given
                or not field.required
                or field.system
                or field.default is not None
                or field.default_expr is not None
            ):
                continue
            if field.type.computed:
                continue
            values[key] = self._least(kind, field, name)

    def _least(self, kind: Entity, field: Field, name: str) -> Any:
        """Return the least value that a required field takes."""
        self._count += 1
        if field.type.links == "one" and field.target is not None:
            return self.id(field.target, f"{name}.{field.key}" if field.target == kind.key else f"any {field.target}")
        if field.type.links == "many" and field.target is not None:
            return [self.id(field.target, f"any {field.target}")]
        if field.type.links == "any" and field.targets:
            return f"{field.targets[0]}/{self.id(field.targets[0], f'any {field.targets[0]}')}"
        if field.type.links == "children" and field.target is not None:
            child: dict[str, Any] = {}
            self._complete(self._model.entity(field.target), child, name)
            return [child]
        for candidate in self._candidates(field, name):
            try:
                if field.type.parse(candidate, field.options) is not None:
                    return candidate
            except BadValue:
                continue
        raise GuanxiError(
            Message("The given {entity} {name} needs a value for {field}", entity=kind.key, name=name, field=field.key)
        )

    def _candidates(self, field: Field, name: str) -> Iterator[Any]:
        number = self._count
        yield from list(field.choices)[:1]
        yield f"{name} {number}" if field.unique else name
        yield from (field.options.get("min"), number, 1, str(number), True)
        yield from (
            f"+86138{number:08d}",
            "2026-01-01",
            "2026-01-01T09:00:00Z",
            "09:00",
            f"{number}@test.example",
            f"https://test.example/{number}",
        )
        yield from ("#336699", {"street": name}, {"lat": 0, "lng": 0}, [name], "x")
        yield from _texts(field.options.get("min_length") or 1, field.options.get("max_length") or _LONGEST, number)


def _texts(least: int, most: int, number: int) -> Iterator[str]:
    """Yield texts of the shapes that patterns ask for: A0007, 0007, AB-0007, letters alone."""
    for length in range(least, min(most, max(least, _LONGEST)) + 1):
        for start in ("", "A", "AB", "ABC", "A-", "AB-", "a", "ab", "中", "中A"):
            if len(start) < length:
                yield start + str(number).zfill(length - len(start))[-(length - len(start)) :]
        yield from (letter * length for letter in "Aa中")
