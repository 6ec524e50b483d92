"""The channels by which the engine itself tells records: lists, single records, links, search, history, files out."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import orjson

from engine.data.feed import changes_after, top_of
from engine.data.query import Aggregate, Bucket, Query
from engine.data.timeline import ChangeEntry
from engine.data.transfer import Exporter, ExportOptions
from engine.errors import AccessDenied, GuanxiError, NotFound, QueryInvalid
from engine.expression import Call, Path
from engine.expression import Literal as Value
from engine.i18n import Message
from engine.leaks.channels import Asking, channel
from engine.leaks.plain import Record
from engine.leaks.told import Absent, Along, Failed, Ids, Number, Row, Title, Told, Words
from engine.metadata.model import Field

_PAGE = 200
_SOME = 12
"""Records of one entity that the slower channels ask about one by one."""
_GROUPS = 2
_FOLDS: tuple[tuple[Literal["min", "max", "sum"], Any], ...] = (("min", min), ("max", max), ("sum", sum))


def shown(asking: Asking, key: str) -> bool:
    """Say whether the person is told the value of a field itself."""
    return asking.oracle.mask(asking.entity.key, key) == "read"


def listed(asking: Asking, query: Query) -> Iterator[Any]:
    """Yield the rows of all pages of a list; on a site that is not read whole, of the first page."""
    while True:
        rows = asking.reader.query(query)
        yield from rows
        if rows.next_cursor is None or not asking.whole:
            return
        query = replace(query, cursor=rows.next_cursor)


@channel("list", Message("lists"))
def lists(asking: Asking) -> Iterator[Told]:
    """Every page of a list with every column that is offered."""
    entity = asking.entity.key
    try:
        query = Query(entity, asking.reader.columns(entity), limit=_PAGE)
        rows = [(row.id, row.json()) for row in listed(asking, query)]
    except AccessDenied:
        rows = []
    yield Ids(entity, frozenset(id_ for id_, _ in rows), whole=asking.whole)
    yield from (Row(entity, id_, values) for id_, values in rows)
    if not asking.whole and asking.oracle.somewhere(entity, "read"):
        ids = tuple(row["id"] for row in asking.rows)
        found = asking.reader.query(Query(entity, ("id",), ids=ids, limit=_PAGE)).ids if ids else []
        expected = frozenset(r["id"] for r in asking.rows if r["deleted_at"] is None and _reads(asking, r))
        yield Ids(entity, frozenset(found), expected, part="ids")


def _reads(asking: Asking, row: Record) -> bool:
    return asking.oracle.may(asking.entity.key, row, "read")


@channel("record", Message("single records"))
def records(asking: Asking) -> Iterator[Told]:
    """Each record by its id, in reach or not, with whatever is shown along its links."""
    entity, reader = asking.entity.key, asking.reader
    for row in asking.rows:
        if row["deleted_at"] is not None:
            continue
        try:
            found = reader.record(entity, row["id"])
        except (NotFound, AccessDenied):
            yield Absent(entity, row["id"])
            continue
        yield Row(entity, row["id"], found.json())


@channel("links", Message("values along links"))
def links(asking: Asking) -> Iterator[Told]:
    """Every field at the end of every link, in one list; those that may not be asked for at all are probed."""
    entity, oracle, model = asking.entity, asking.oracle, asking.reader.model
    paths = {
        f"{key}.{other}": (key, model.entity(field.target), other)
        for key, field in entity.fields.items()
        if field.type.links == "one" and field.target is not None and field.expr is None
        if oracle.mask(entity.key, key) == "read"
        for other, far in model.entity(field.target).fields.items()
        if far.type.links in {"", "one"} and oracle.mask(field.target, other) != "hidden"
    }
    if not paths or not oracle.somewhere(entity.key, "read"):
        return
    ids = None if asking.whole else tuple(row["id"] for row in asking.rows)
    for found in listed(asking, Query(entity.key, ("id", *paths), ids=ids, limit=_PAGE)):
        row = asking.plain.row(entity.key, found.id) or {}
        values = found.json()
        for path, (key, target, other) in paths.items():
            if row.get(key) is None or other == "id":
                continue
            if other == target.title:
                yield Title(target.key, row[key], values[path], entity.key, found.id, key)
            else:
                yield Along(target.key, row[key], other, values[path])


@channel("count", Message("counts"))
def counts(asking: Asking) -> Iterator[Told]:
    """How many records there are."""
    if not asking.whole:
        return
    entity = asking.entity.key
    try:
        number = asking.reader.count(Query(entity), 1_000_000).number
    except AccessDenied:
        number = 0
    yield Number(entity, None, "count", number, len(asking.oracle.visible(entity)))


@channel("search", Message("search"))
def search(asking: Asking) -> Iterator[Told]:
    """Search for planted words, everywhere and in the list: who may not read a field does not find by it."""
    entity, reader, oracle = asking.entity, asking.reader, asking.oracle
    words = [(text, mark) for text, mark in asking.marks.all() if mark.entity == entity.key and not text.isdigit()]
    for text, mark in asking.dice.sample(words, min(len(words), _SOME)):
        row = asking.plain.row(mark.entity, mark.id)
        field = entity.fields[mark.field]
        reads = row is not None and row["deleted_at"] is None and _reads(asking, row) and shown(asking, mark.field)
        kept = reads and field.search is not None and _stands(row, field, text)
        found = {each.id for each in reader.search(text, [entity.key], limit=50) if each.entity == entity.key}
        allowed = frozenset([mark.id]) if reads else frozenset()
        yield Ids(entity.key, frozenset(found) - allowed, frozenset(), whole=False, part=f"by {mark.field}")
        if not oracle.somewhere(entity.key, "read"):
            continue
        in_list = frozenset(reader.query(Query(entity.key, ("id",), search=text, limit=50)).ids)
        yield Ids(entity.key, in_list - allowed, frozenset(), whole=False, part=f"list by {mark.field}")
        if kept and "search" in entity.features and asking.whole and mark.id not in in_list:
            yield Absent(entity.key, mark.id)


def _stands(row: Record | None, field: Field, text: str) -> bool:
    return row is not None and text in str(row.get(field.key))


@channel("options", Message("choices of links"))
def options(asking: Asking) -> Iterator[Told]:
    """What a drop-down offers."""
    entity, reader, oracle = asking.entity, asking.reader, asking.oracle
    for key, field in entity.fields.items():
        if field.type.links not in {"one", "many", "any"}:
            continue
        try:
            offered = reader.options(entity.key, key, limit=_PAGE)
        except (QueryInvalid, AccessDenied):
            continue
        if offered and oracle.mask(entity.key, key) == "hidden" and not oracle.writes(entity.key, key):
            yield Row(entity.key, "", {key: [id_ for id_, _ in offered]}, part=key)
        for id_, title in offered:
            target, slash, record = id_.partition("/")
            there = target if slash else field.target or ""
            known = asking.reader.model.entity(there)
            # Where the title is hidden or masked the id stands in its place.
            values = {known.title: title} if title not in {record or id_, ""} else {}
            yield Row(there, record if slash else id_, values, part=key)


@channel("related", Message("related lists"))
def related(asking: Asking) -> Iterator[Told]:
    """The records of each relation of each record."""
    entity, reader, oracle = asking.entity, asking.reader, asking.oracle
    keys = [*entity.relations, *(key for key, field in entity.fields.items() if field.type.links == "many")]
    for row in asking.some(_SOME):
        for key in keys:
            try:
                found = reader.related(entity.key, row["id"], key, Query("", limit=_PAGE))
            except (NotFound, QueryInvalid, AccessDenied):
                continue
            own = entity.fields.get(key)
            target = own.target if own is not None and own.target else entity.relations[key].entity
            if not _reads(asking, row):
                yield Row(entity.key, row["id"], {}, part=key)
            whole = asking.whole and found.next_cursor is None
            there = asking.plain.many(entity.key, key, row["id"]) if whole else []
            expected = frozenset(each["id"] for each in there if oracle.may(target, each, "read")) if whole else None
            yield Ids(target, frozenset(found.ids), expected, whole=whole, part=key)
            yield from (Row(target, each.id, each.json(), part=key) for each in found)


@channel("titles", Message("titles of linked records"))
def titles(asking: Asking) -> Iterator[Told]:
    """Titles by id, as pages ask for them: of records that a readable record leads to."""
    entity, reader = asking.entity, asking.reader
    known = entity.title
    for row in asking.some(_SOME):
        found = reader.titles(entity.key, [row["id"]]).get(row["id"])
        if found and asking.oracle.mask(entity.key, known) != "read":
            yield Title(entity.key, row["id"], found, entity.key, row["id"], known)


@channel("history", Message("histories"))
def history(asking: Asking) -> Iterator[Told]:
    """What became of each record, old values of hidden fields among it, and the feed of all changes."""
    entity, reader = asking.entity, asking.reader
    for row in asking.rows:
        try:
            found = reader.history(entity.key, row["id"], limit=_PAGE)
        except (NotFound, AccessDenied):
            if asking.whole and row["deleted_at"] is None:
                yield Absent(entity.key, row["id"])
            continue
        yield Row(entity.key, row["id"], {}, part="entries")
        for entry in found:
            yield from _changes(entity.key, row["id"], entry)
        for (there, id_), title in (found.titles or {}).items():
            yield Title(there, id_, title, entity.key, row["id"], "")
    after, top = 0, top_of(reader.connection)
    while after < top and (after == 0 or asking.whole):
        page = changes_after(reader, after, top, [entity.key], limit=_PAGE)
        # A record that was the asker's own, and that they gave away, is told of by its id alone.
        entries = [each for each in page.entries if isinstance(each, ChangeEntry)]
        for entry in entries:
            yield Row(entry.entity, entry.record_id, {}, part="feed")
            yield from _changes(entry.entity, entry.record_id, entry)
        after = page.next


def _changes(entity: str, id_: str, entry: Any) -> Iterator[Told]:
    for change in entry.changes:
        for value in (change.before, change.after):
            if value is not None:
                yield Row(entity, id_, {change.key: value}, part="changes")


@channel("export", Message("exports"))
def export(asking: Asking) -> Iterator[Told]:
    """The files that leave the house, in each format."""
    entity, oracle = asking.entity.key, asking.oracle
    kinds: tuple[Literal["jsonl", "csv", "xlsx"], ...] = ("jsonl", "csv", "xlsx")
    where = None
    if not asking.whole:
        where = Call("in", (Path(("id",)), Value(tuple(row["id"] for row in asking.rows))))
    for kind in kinds:
        stream = io.BytesIO()
        try:
            Exporter(asking.reader, entity, ExportOptions(kind, where)).write(stream)
        except AccessDenied:
            continue
        except GuanxiError as error:
            yield Failed(entity, str(error.message), kind)
            continue
        data = stream.getvalue()
        yield Words(data, kind, entity)
        if kind == "jsonl":
            rows = [orjson.loads(line) for line in data.splitlines()]
            expected = frozenset(
                row["id"]
                for row in asking.rows
                if row["deleted_at"] is None and _reads(asking, row) and oracle.may(entity, row, "export")
            )
            if all("id" in row for row in rows):
                yield Ids(entity, frozenset(row["id"] for row in rows), expected, action="export", part=kind)
                yield from (Row(entity, row["id"], row, "export", kind) for row in rows)


@channel("trash", Message("the recycle bin"))
def trash(asking: Asking) -> Iterator[Told]:
    """Records of the bin, in a list and one by one."""
    entity, reader = asking.entity.key, asking.reader
    gone = [row for row in asking.rows if row["deleted_at"] is not None]
    try:
        columns = reader.columns(entity)
        rows = list(listed(asking, Query(entity, columns, trashed=True, limit=_PAGE)))
    except AccessDenied:
        rows = []
    expected = frozenset(row["id"] for row in gone if _reads(asking, row))
    yield Ids(entity, frozenset(row.id for row in rows), expected if asking.whole else None, whole=asking.whole)
    yield from (Row(entity, row.id, row.json()) for row in rows)
    for row in gone:
        try:
            found = reader.record(entity, row["id"], trashed=True)
        except (NotFound, AccessDenied):
            continue
        yield Row(entity, row["id"], found.json(), part="by id")


@channel("totals", Message("totals"))
def totals(asking: Asking) -> Iterator[Told]:
    """Numbers over what is in reach: the least, the most, the sum, the groups."""
    entity, oracle = asking.entity, asking.oracle
    if not asking.whole or not oracle.somewhere(entity.key, "read"):
        return
    rows = oracle.visible(entity.key)
    known = [
        field
        for key, field in entity.fields.items()
        if field.storage is not None and field.stored and shown(asking, key) and field.type.links in {"", "one"}
    ]
    yield from _least_and_most(asking, known, rows)
    groups = [f for f in known if f.type.value_type in {"text", "link", "boolean"} and not f.type.computed]
    for field in asking.dice.sample(groups, min(len(groups), _GROUPS)):
        yield from _groups(asking, field, rows)


def _least_and_most(asking: Asking, known: Iterable[Field], rows: Sequence[Record]) -> Iterator[Told]:
    entity = asking.entity.key
    asked = [
        (Aggregate(name, field.key), fold, field)
        for field in known
        for name, fold in _FOLDS
        if field.type.value_type in ({"number"} if name == "sum" else {"number", "date", "datetime"})
    ]
    if not asked:
        return
    [found] = asking.reader.aggregate(Query(entity, aggregates=tuple(each for each, _, _ in asked))).values()
    for (aggregate, fold, field), value in zip(asked, found, strict=True):
        values = [row[field.key] for row in rows if row[field.key] is not None]
        what = aggregate.function
        yield Number(entity, field.key, what, value, fold(values) if values else None)


def _groups(asking: Asking, field: Field, rows: Iterable[Record]) -> Iterator[Told]:
    entity = asking.entity.key
    query = Query(entity, group_by=(Bucket(field.key),), aggregates=(Aggregate("count"),), limit=1000)
    try:
        found = {row[0]: row[1] for row in asking.reader.aggregate(query).values()}
    except QueryInvalid:
        return
    expected: dict[Any, int] = {}
    for row in rows:
        expected[row[field.key]] = expected.get(row[field.key], 0) + 1
    yield Number(entity, field.key, "groups", found, expected)
