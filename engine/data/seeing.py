"""Who can see a record: for all people at once, by the same conditions that their lists carry.

People with the same roles share one statement. What differs between them (who they are, their teams, what was shared
with them) comes as rows of one parameter, so each condition is asked for every person in the database, not here.
"""

# ruff: noqa: A002 - `id` is what the id of a record is called

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import ColumnElement, FromClause, case, cast, column, func, literal_column, select, text
from sqlalchemy.types import TypeEngine

from engine.data.access import role_rules
from engine.data.asking import owner_of
from engine.data.conditions import condition, granted
from engine.data.place import Frame, Place
from engine.data.principal import Principal, variables
from engine.data.rules import Branch, RoleRules, Rule
from engine.data.statement import Binds, Encode
from engine.data.telling import Audience
from engine.data.verdicts import ROW_WORDS
from engine.errors import AccessDenied, NotFound
from engine.fields import StorageType
from engine.i18n import Message
from engine.metadata.model import Entity
from engine.storage.codec import encode_kind
from engine.storage.columns import Stored

if TYPE_CHECKING:
    from engine.data.reader import Reader

_CASTS = {"uuid": "uuid", "date": "date", "datetime": "timestamptz", "time": "time", "boolean": "boolean"}

WHY: Mapping[str, Message] = {
    "own": Message("their own record"),
    "subordinates": Message("belongs to somebody who reports to them"),
    "team": Message("belongs to somebody in their team"),
    "department": Message("belongs to somebody in their department"),
    "shared": Message("shared with them"),
}
"""What a named row means for somebody who sees a record by it; `all` is said by its role."""


@dataclass(frozen=True, slots=True)
class Seer:
    """Somebody who can read a record."""

    id: str
    name: str
    may_update: bool
    why: tuple[Message, ...]
    """Each rule that lets them read it."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Who can read a record, by name, as far as the one who asks may know of them."""

    seers: tuple[Seer, ...]
    readers: int
    """How many can read it, also those who are not named."""
    editors: int


def who_can_see(reader: Reader, entity: str, id: str, people: Sequence[Principal]) -> Sight:
    """Return who of some people can read a record and who can change it.

    Raises:
        NotFound: there is no such record, or the reader may not know of it.
        AccessDenied: the reader neither owns it nor holds the permission `audit`.
    """
    known = reader.model.entity(entity)
    audience = Audience(reader, reader)
    if not audience.knows(entity, id) or not reader.as_system().readable(entity, (id,)):
        raise NotFound(Message("There is no such record"))
    if not audience.whole and not may_ask(reader, known, id):
        raise AccessDenied(
            Message("Only who owns a record, and who may read the audit log, may ask who can see it"),
            entity=entity,
            action="read",
        )
    found = [seer for group in _groups(reader, people) for seer in _of_group(reader, audience, known, id, *group)]
    names = {each.id for each in found} if audience.whole else set(audience.names(each.id for each in found))
    shown = sorted((each for each in found if each.id in names), key=lambda each: (each.name.casefold(), each.id))
    return Sight(tuple(shown), len(found), sum(each.may_update for each in found))


def may_ask(reader: Reader, entity: Entity, id: str) -> bool:
    """Say whether the reader may ask who can see a record: they own it, or the record that it is a part of."""
    if reader.access.has("audit"):
        return True
    return any(each in reader.access.env()["user.covered"] for each in owner_of(reader.as_system(), entity, id))


def _groups(reader: Reader, people: Iterable[Principal]) -> Iterator[tuple[RoleRules, list[Principal]]]:
    """Yield people who share rules, with these rules."""
    now = reader.access.env()["now"]
    found: dict[RoleRules, list[Principal]] = {}
    for each in people:
        found.setdefault(role_rules(reader.model, each, now), []).append(each)
    yield from found.items()


def _of_group(
    reader: Reader, audience: Audience, entity: Entity, id: str, rules: RoleRules, people: list[Principal]
) -> Iterator[Seer]:
    read, update = rules.rule(entity.key, "read"), rules.rule(entity.key, "update")
    if read.nobody:
        return
    branches = [(way, branch) for way in read.ways for branch in way.branches]
    by_id = {each.id: each for each in people}
    for who, may_update, *flags in _asked(reader, entity, id, rules, (read, update), people):
        because = [
            _because(reader, audience, entity, pair, read) for pair, held in zip(branches, flags, strict=True) if held
        ]
        principal = by_id[who]
        yield Seer(who, principal.name, bool(may_update), tuple(dict.fromkeys(because)))


def _because(reader: Reader, audience: Audience, entity: Entity, pair: tuple[Any, Branch], rule: Rule) -> Message:
    way, branch = pair
    if way.parent is not None and branch.everything:
        return Message("through its {parent}", parent=reader.model.entity(way.parent.entity).label)
    if isinstance(branch.rows, str) and branch.rows != "all":
        return WHY[branch.rows]
    role = reader.model.roles[branch.role].label if branch.role in reader.model.roles else branch.role
    rows: Any = ROW_WORDS["all"] if branch.everything else audience.condition(entity, branch.rows)  # type: ignore[arg-type]
    return Message("role {role}: {rows}", role=role, rows=rows)


# --- one statement for people with the same rules ------------------------------------------------------------------


def _asked(
    reader: Reader, entity: Entity, id: str, rules: RoleRules, asked: tuple[Rule, Rule], people: Sequence[Principal]
) -> Iterator[tuple[Any, ...]]:
    """Yield (user id, may update, whether each branch of the rule for reading holds) of those who may read."""
    read, update = asked
    binds = _PeopleBinds(reader.kind)
    frame = Frame(reader.kind, reader.published.tables, rules, binds, nested=True)
    place = Place(frame, entity, frame.alias(entity.key))
    flags = [_flag(granted(branch, "read", place)) for way in read.ways for branch in way.branches]
    may_update = _flag(condition(update, place)) if not update.nobody else literal_column("0")
    source = binds.people()
    chosen = (
        select(literal_column(binds.person("id")), may_update, *flags)
        .select_from(source)
        .join(place.alias, place.alias.c.id == binds.value("id", place.alias.c.id.type))
        .where(condition(read, place))
    )
    statement = binds.finish(chosen)
    now = reader.access.env()["now"]
    rows = [{"id": each.id, **binds.of(variables(each, now))} for each in people]
    given = {"id": id, PEOPLE: orjson.dumps(rows, default=_json).decode()}
    for row in statement.rows(reader.connection, given):
        yield (str(row[0]), *row[1:])


def _flag(element: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((element, 1), else_=0)


PEOPLE = "people"
"""Name of the parameter with the variables of everybody in a group."""


class _PeopleBinds(Binds):
    """Parameters of a statement that is about many people: what belongs to a person comes out of that person's row."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self._used: dict[str, Encode | None] = {}

    def people(self) -> FromClause:
        """Return the rows of the people, under the name p."""
        given = self.value(PEOPLE, Stored("text"))
        if self.kind == "sqlite":
            return func.json_each(given).table_valued("value", name="p")
        from sqlalchemy.dialects.postgresql import JSONB

        rows = func.jsonb_array_elements(cast(given, JSONB)).table_valued("value", name="p")
        return rows.render_derived(name="p")

    def of(self, env: Mapping[str, Any]) -> dict[str, Any]:
        """Return those variables of a person that the statement uses, as JSON has them."""
        return {
            name: value if (value := env[name]) is None or encode is None else encode(value)
            for name, encode in self._used.items()
        }

    def person(self, name: str) -> str:
        """Return the SQL of a value of a person's row, as text."""
        return f"json_extract(p.value, '$.\"{name}\"')" if self.kind == "sqlite" else f"(p.value ->> '{name}')"

    def scalar(self, name: str, storage: StorageType) -> Any:
        """Return a variable of the person whose row it is."""
        kind: TypeEngine[Any] = Stored(storage.kind, storage.scale)
        self._used[name] = encode_kind(storage, self.kind) if self.kind == "sqlite" else None
        found = self.person(name)
        if self.kind == "postgresql" and storage.kind == "json":
            found = f"(p.value -> '{name}')"
        elif self.kind == "postgresql" and storage.kind in _CASTS:
            found = f"CAST({found} AS {_CASTS[storage.kind]})"
        return literal_column(found, kind)

    def listed(self, name: str, cast_to: str = "uuid") -> ColumnElement[Any]:
        """Return what stands right of IN for a list of the person whose row it is."""
        self._used[name] = list
        if self.kind == "sqlite":
            rows: Any = text(f"json_each(p.value, '$.\"{name}\"')")
            return select(column("value")).select_from(rows).scalar_subquery()
        rows = text(f"jsonb_array_elements_text(p.value -> '{name}') AS e(value)")
        return select(literal_column(f"CAST(e.value AS {cast_to})")).select_from(rows).scalar_subquery()

    def among(self, element: ColumnElement[Any], name: str) -> ColumnElement[Any]:
        """Return whether a column of ids holds one of a list of the person whose row it is."""
        return element.in_(self.listed(name))


def _json(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value)
