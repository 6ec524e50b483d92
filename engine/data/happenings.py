"""Everything that happened around a record in one order: changes, comments, activities, files and shares.

Each kind is read through its own rule, a page of it at a time, and the pages are merged. The order is the moment, then
the kind, then the id, so a cursor of these three goes on exactly where a page ended, whatever was added meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from engine.data import cursor as cursors
from engine.data import timeline
from engine.data.attached import attached
from engine.data.query import Query
from engine.data.reader import Reader
from engine.data.sharing import MANUAL, Share
from engine.errors import QueryInvalid
from engine.expression import Call, Expr, Path, conjunction, disjunction
from engine.expression import Literal as Value
from engine.i18n import Message
from engine.metadata.model import Entity, Order, Relation
from engine.storage.codec import moment
from engine.storage.database import run

Kind = Literal["comment", "activity", "file", "share", "change"]
HAPPENING_KINDS: tuple[Kind, ...] = ("comment", "activity", "file", "share", "change")
"""In the order of what happened at the same moment."""
COMMENT, ACTIVITIES = "comment", "activities"
MOST_AROUND = 100
"""Records of one relation whose happenings are told along with those of a record."""
_PLAIN = frozenset({"read", "write"})
_LATEST = (Order(("created_at",), descending=True), Order(("id",), descending=True))


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened."""

    kind: Kind
    at: datetime
    id: str
    entity: str
    """The entity of the record that it happened to; of an activity, its own."""
    record_id: str
    actor_id: str | None
    body: Any
    """A `ChangeEntry`, a `Share`, an `Attached`, or the Python values of a comment or an activity by dotted path."""

    @property
    def place(self) -> tuple[datetime, int, str]:
        """Return what the order goes by."""
        return self.at, -HAPPENING_KINDS.index(self.kind), self.id


@dataclass(frozen=True, slots=True)
class Happenings:
    """Some of what happened, the latest first."""

    items: tuple[Happening, ...]
    next_cursor: str | None = None
    people: Mapping[str, str] = field(default_factory=dict)
    """Names of those who did it."""
    titles: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(entity, id) -> title, of records that changed links lead to, and of those around the record."""


@dataclass(frozen=True, slots=True)
class _After:
    """Where a page goes on."""

    at: datetime
    rank: int
    id: str
    seen: int
    """How many of that kind and moment were told already: what is equal to the last one is asked for once more."""


class _Telling:
    """Collects a page of happenings for one reader."""

    def __init__(
        self, reader: Reader, entity: Entity, record_id: str, around: Iterable[str], limit: int, *, public: bool = False
    ) -> None:
        self.reader, self.entity, self.record_id, self.limit = reader, entity, record_id, limit
        self.public = public
        self.subjects: dict[str, list[str]] = {entity.key: [record_id]}
        """Entity -> records that it is told of; the reader may read all of them."""
        for name in around:
            self._add(name)

    def _add(self, name: str) -> None:
        relation = self.entity.relations.get(name)
        if relation is None or not self.reader.access.may(relation.entity, "read"):
            return
        query = Query(relation.entity, select=("id",), limit=MOST_AROUND)
        try:
            found = self.reader.related(self.entity.key, self.record_id, name, query)
        except QueryInvalid:
            return  # The link is hidden from whoever reads.
        known = self.subjects.setdefault(relation.entity, [])
        known += [each for each in found.ids if each not in known]

    # --- kinds ------------------------------------------------------------------------------------------------------

    def change(self, after: _After | None) -> list[Happening]:
        reader, mark = self.reader, "?" if self.reader.kind == "sqlite" else "%s"
        conditions, values = [], list[Any]()
        for key, ids in self.subjects.items():
            if "history" in reader.model.entity(key).features and ids:
                conditions.append(f"(entity = {mark} AND record_id IN ({', '.join([mark] * len(ids))}))")
                values += [key, *ids]
        if not conditions:
            return []
        where = f"({' OR '.join(conditions)})"
        if after is not None:
            at = moment(reader.kind)(after.at)
            if after.rank == HAPPENING_KINDS.index("change"):
                where += f" AND (at < {mark} OR (at = {mark} AND seq < {mark}))"
                values += [at, at, int(after.id)]
            else:
                where += f" AND at <= {mark}"
                values.append(at)
        text = f"SELECT {timeline.COLUMNS} FROM record_change WHERE {where} ORDER BY at DESC, seq DESC LIMIT {mark}"  # noqa: S608
        rows = run(reader.connection, text, [*values, self.limit + 1]).fetchall()
        found = timeline.entries(reader.access.roles, rows, {}, reader.kind)
        return [
            Happening("change", each.at, f"{each.seq:020d}", each.entity, each.record_id, each.actor_id, each)
            for each in found
        ]

    def comment(self, after: _After | None) -> list[Happening]:
        reader = self.reader
        if COMMENT not in reader.model.entities or not reader.access.may(COMMENT, "read"):
            return []
        mask = reader.access.mask(COMMENT)
        if not all(mask.get(key) in _PLAIN for key in ("record_entity", "record_id", "created_at")):
            return []  # What is masked can be neither looked for nor sorted by.
        about = disjunction(
            *(
                conjunction(_is("record_entity", key), _among("record_id", ids))
                for key, ids in self.subjects.items()
                if ids and "comments" in reader.model.entity(key).features
            )
        )
        if not self.talked_about:
            return []
        if self.public:
            if mask.get("internal") not in _PLAIN:
                return []
            about = conjunction(about, Call("==", (Path(("internal",)), Value(False))))  # noqa: FBT003 - the value
        shown = (
            "record_entity", "record_id", "body", "parent", "mentions", "internal", "created_by", "created_at",
            "updated_at",
        )  # fmt: skip
        known = reader.model.entity(COMMENT)
        select = tuple(
            key for key in (*shown, "version") if key in known.fields and mask.get(key, "hidden") != "hidden"
        )
        return [
            Happening("comment", row["created_at"], row["id"], row["record_entity"], row["record_id"],
                      row.get("created_by"), row)
            for row in self._rows("comment", COMMENT, select, about, after, ("update", "delete"))
        ]  # fmt: skip

    @property
    def talked_about(self) -> bool:
        """Whether any of the records can have comments."""
        return any("comments" in self.reader.model.entity(key).features for key in self.subjects)

    def activity(self, after: _After | None) -> list[Happening]:
        found: list[Happening] = []
        for other, condition in self.activities().items():
            select = activity_select(self.reader, self.reader.model.entity(other))
            found += [
                Happening("activity", row["created_at"], row["id"], other, row["id"], row.get("created_by"), row)
                for row in self._rows("activity", other, select, condition, after, ("update",))
            ]
        return found

    def activities(self) -> dict[str, Expr]:
        """Return entity -> condition of the activities of the records."""
        found: dict[str, Expr] = {}
        for key, ids in self.subjects.items():
            relation = activity_relation(self.reader, self.reader.model.entity(key))
            if relation is None or not ids:
                continue
            targets = [f"{key}/{each}" for each in ids] if relation.kind == "any" else ids
            condition = _among(relation.field, targets)
            known = found.get(relation.entity)
            found[relation.entity] = condition if known is None else disjunction(known, condition)
        return found

    def file(self, after: _After | None) -> list[Happening]:
        wanted = {
            key: ids
            for key, ids in self.subjects.items()
            if "attachments" in self.reader.model.entity(key).features or key == self.entity.key
        }
        before = (
            None if after is None else (after.at, after.id if after.rank == HAPPENING_KINDS.index("file") else None)
        )
        strictly = after is not None and after.rank > HAPPENING_KINDS.index("file")
        found = attached(self.reader, wanted, self.limit + 1, before, strictly=strictly)
        return [Happening("file", each.at, each.id, each.entity, each.record_id, each.by, each) for each in found]

    def share(self, after: _After | None) -> list[Happening]:
        shares = self.reader.shares(self.entity.key, self.record_id)
        found = [
            Happening("share", each.made_at, each.principal_id, each.entity, each.record_id, each.made_by, each)
            for each in shares
            if each.made_at is not None and each.cause == MANUAL
        ]
        if after is not None:
            place = (after.at, -after.rank, after.id)
            found = [each for each in found if each.place < place]
        return found

    def _rows(
        self,
        kind: Kind,
        entity: str,
        select: tuple[str, ...],
        condition: Expr,
        after: _After | None,
        abilities: tuple[str, ...],
    ) -> list[dict[str, Any]]:
        where = condition if after is None else conjunction(condition, _beyond(kind, after))
        # Ids have no order that a condition could ask for: those of the same moment come again, and are left out then.
        again = after.seen if after is not None and after.rank == HAPPENING_KINDS.index(kind) else 0
        query = Query(entity, select=select, where=where, order_by=_LATEST, limit=self.limit + 1 + again)
        found = self.reader.query(query, abilities=abilities)
        may = {each: found.abilities(each) for each in abilities}
        return [
            {
                **dict(zip(select, row, strict=True)),
                "id": id_,
                **{f"may_{each}": may[each][place] for each in abilities},
            }
            for place, (id_, row) in enumerate(zip(found.ids, found.values(), strict=True))
        ]


def happenings(
    reader: Reader,
    entity: str,
    record_id: str,
    *,
    kinds: Sequence[Kind] = HAPPENING_KINDS,
    around: Iterable[str] = (),
    limit: int = 20,
    cursor: str | None = None,
    public: bool = False,
) -> Happenings:
    """Return what happened to a record, the latest first.

    Args:
        reader: who asks.
        entity: key of the entity.
        record_id: the record.
        kinds: which kinds of things.
        around: relations whose records are told of too, such as the contacts of an account.
        limit: how many at most.
        cursor: what the page before answered.
        public: whether only those comments are wanted that are not internal.

    Raises:
        NotFound: there is no such record, or the reader may not read it.
        QueryInvalid: the cursor cannot be used.
    """
    reader.record(entity, record_id, ("id",))
    telling = _Telling(reader, reader.model.entity(entity), record_id, around, limit, public=public)
    context = f"happenings {entity} {record_id} {reader.principal.id}"
    after = None
    if cursor is not None:
        at = cursors.read(cursor, context, reader._secret)  # noqa: SLF001 - it signs for its own reader
        try:
            after = _After(datetime.fromisoformat(at[0]), int(at[1]), str(at[2]), int(at[3]))
        except (IndexError, TypeError, ValueError) as error:
            raise QueryInvalid(Message("This page cannot be continued; please load the list again")) from error
    found = sorted(
        (each for kind in HAPPENING_KINDS if kind in kinds for each in getattr(telling, kind)(after)),
        key=lambda each: each.place,
        reverse=True,
    )
    if after is not None:
        found = [each for each in found if each.place < (after.at, -after.rank, after.id)]
    following = None
    if len(found) > limit:
        found = found[:limit]
        last = found[-1]
        alike = (last.at, last.kind)
        seen = sum((each.at, each.kind) == alike for each in found)
        if after is not None and (after.at, after.rank) == (last.at, HAPPENING_KINDS.index(last.kind)):
            seen += after.seen
        mark = [last.at.isoformat(), HAPPENING_KINDS.index(last.kind), last.id, seen]
        following = cursors.write(mark, context, reader._secret)  # noqa: SLF001 - as above
    return Happenings(tuple(found), following, _people(reader, found), _titles(reader, telling, found))


def activity_relation(reader: Reader, entity: Entity) -> Relation | None:
    """Return the relation by which the activities of a record lead to it; None where there are none to be seen."""
    relation = entity.relations.get(ACTIVITIES)
    if relation is None or ACTIVITIES not in entity.features or not reader.access.may(relation.entity, "read"):
        return None
    mask = reader.access.mask(relation.entity)
    return relation if mask.get(relation.field) in _PLAIN and mask.get("created_at") in _PLAIN else None


def activity_select(reader: Reader, entity: Entity) -> tuple[str, ...]:
    """Return what is shown of an activity: its name, its kind and state, when it is due, what was said, whose it is."""
    mask = reader.access.mask(entity.key)
    keys = [entity.title, *activity_fields(entity).values(), "created_by", "created_at", "version"]
    if entity.owned:
        keys.append("owner")
    return tuple(dict.fromkeys(key for key in keys if key and mask.get(key, "hidden") != "hidden"))


def activity_fields(entity: Entity) -> dict[str, str | None]:
    """Return what the fields of an activity are: `kind`, `state`, `due`, `words` -> key; worked out from its fields."""
    state = entity.states.field if entity.states is not None else None
    own = [each for each in entity.fields.values() if not each.system and not each.hidden]
    return {
        "kind": next((each.key for each in own if each.type.name == "select" and each.key != state), None),
        "state": state,
        "due": next((each.key for each in own if each.type.name in {"datetime", "date"}), None),
        "words": next((each.key for each in own if each.type.name in {"longtext", "richtext"}), None),
    }


def _is(key: str, value: str) -> Expr:
    return Call("==", (Path((key,)), Value(value)))


def _among(key: str, values: Sequence[str]) -> Expr:
    return _is(key, values[0]) if len(values) == 1 else Call("in", (Path((key,)), Value(tuple(values))))


def _beyond(kind: Kind, after: _After) -> Expr:
    rank, at = HAPPENING_KINDS.index(kind), Path(("created_at",))
    earlier = Call("<", (at, Value(after.at)))
    if rank < after.rank:
        return earlier
    same = Call("==", (at, Value(after.at)))
    return disjunction(earlier, same)


def _people(reader: Reader, found: Sequence[Happening]) -> dict[str, str]:
    ids = {each.actor_id for each in found if each.actor_id is not None}
    ids |= {each.body.principal_id for each in found if isinstance(each.body, Share) and each.body.kind == "user"}
    return reader.titles("user", ids) if ids and "user" in reader.model.entities else {}


def _titles(reader: Reader, telling: _Telling, found: Sequence[Happening]) -> dict[tuple[str, str], str]:
    wanted: dict[str, set[str]] = {}
    for each in found:
        if each.kind == "change":
            for target, record in timeline.linked(reader.model.entity(each.entity), each.body.changes):
                wanted.setdefault(target, set()).add(record)
        if isinstance(each.body, Share) and each.body.kind != "user":
            wanted.setdefault(each.body.kind, set()).add(each.body.principal_id)
        if each.kind != "activity" and each.record_id != telling.record_id:
            wanted.setdefault(each.entity, set()).add(each.record_id)
    return {
        (entity, record): title
        for entity, ids in wanted.items()
        if entity in reader.model.entities
        for record, title in reader.titles(entity, ids).items()
    }
