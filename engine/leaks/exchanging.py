"""The channels of what goes to other programs and comes from them: the feed, exports of every shape, imports, moves."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from engine.data.feed import Gone, changes_after, top_of
from engine.data.transfer import Exporter, ImportOptions, read_export_options
from engine.errors import AccessDenied, GuanxiError, NotFound, QueryInvalid
from engine.i18n import Message
from engine.leaks.channels import Asking, channel
from engine.leaks.marks import Planter
from engine.leaks.plain import Record
from engine.leaks.reading import shown
from engine.leaks.told import Accepted, Row, Told, Words
from engine.leaks.writing import Trial

_SOME, _FIELDS = 3, 4
_CHANGES = 200
_SHOWN = Message("a hidden field does not exist for them")
_SORTED = Message("a field that they may not read can be neither filtered, sorted nor grouped by")
_MOVE = Message("no grant lets them make this transition")
_WRITTEN = Message("no grant lets them write the field")
_REACHED = Message("no grant lets them do this to the record")


@channel("feed", Message("the change feed"))
def feed(asking: Asking) -> Iterator[Told]:
    """All changes of an entity's records, as programs read them that keep a copy."""
    entity, reader = asking.entity.key, asking.reader
    page = changes_after(reader, 0, top_of(reader.connection), [entity], _CHANGES)
    for entry in page.entries:
        if isinstance(entry, Gone):
            # That a record was taken from somebody is theirs to know; what became of it is not.
            yield Words(orjson.dumps(entry.json()), "gone", entity, frozenset([entry.record_id]))
            continue
        yield Row(entity, entry.record_id, {}, part="entries")
        for change in entry.changes:
            for value in (change.before, change.after):
                if value is not None:
                    yield Row(entity, entry.record_id, {change.key: value}, part="changes")
        yield Words(orjson.dumps(entry.json()), "json", entity)


@channel("export.shapes", Message("exports of every shape"))
def shapes(asking: Asking) -> Iterator[Told]:
    """Files with chosen fields, names of linked records, child rows, labels, files; with fields that are hidden."""
    entity, dice = asking.entity, asking.dice
    ids = [row["id"] for row in asking.rows]
    for kind in ("csv", "xlsx", "jsonl"):
        body: dict[str, Any] = {"format": kind, "links": dice.choice(["titles", "both", "ids"]), "ids": ids}
        if kind != "csv":
            body["children"] = True
        if kind != "jsonl":
            body |= {"values": dice.choice(["people", "exact"]), "headers": dice.choice(["labels", "keys"])}
            body |= {"about": True, "language": dice.choice(["en", "zh"])}
        with suppress(AccessDenied):
            yield Words(_file(asking, body), f"{kind} {body['links']}", entity.key)
        along = _along(asking)
        if along:
            chosen = dice.sample(along, min(len(along), _FIELDS))
            with suppress(AccessDenied):
                yield Words(_file(asking, {**body, "fields": chosen}), f"{kind} along links", entity.key)
    with suppress(AccessDenied):
        yield Words(_file(asking, {"format": "csv", "ids": ids, "files": True}), "zip with files", entity.key)
    yield from _closed(asking)


def _file(asking: Asking, body: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    store = asking.site.files.store
    Exporter(asking.reader, asking.entity.key, read_export_options(body), store=store).write(stream)
    return stream.getvalue()


def _along(asking: Asking) -> list[str]:
    """Return paths along links that somebody may follow."""
    model, oracle, entity = asking.reader.model, asking.oracle, asking.entity
    return [
        f"{key}.{other}"
        for key, field in entity.fields.items()
        if field.type.links == "one" and field.target is not None and field.expr is None and shown(asking, key)
        for other, far in model.entity(field.target).fields.items()
        if far.type.links in {"", "one"} and oracle.mask(field.target, other) != "hidden"
    ]


def _closed(asking: Asking) -> Iterator[Told]:
    """Ask for a file with fields that are hidden, and for one in the order of fields that may not be read."""
    entity, oracle, dice = asking.entity, asking.oracle, asking.dice
    if not oracle.somewhere(entity.key, "export"):
        return
    keys = [key for key in entity.fields if oracle.mask(entity.key, key) != "read"]
    for key in dice.sample(keys, min(len(keys), _FIELDS)):
        ways = [("order", {"fields": ["id"], "order": [key]}, _SORTED)]
        if oracle.mask(entity.key, key) == "hidden":
            ways.append(("fields", {"fields": [key]}, _SHOWN))
        for name, body, rule in ways:
            try:
                _file(asking, body)
            except (QueryInvalid, AccessDenied):
                continue
            yield Accepted(entity.key, None, key, name, rule)


@channel("transition", Message("moves between states"), writes=True)
def moves(asking: Asking) -> Iterator[Told]:
    """Make each transition with records that may not make it, by name."""
    entity, oracle, records = asking.entity, asking.oracle, asking.site.records
    if entity.states is None:
        return
    state = entity.states.field
    live = [row for row in asking.rows if row["deleted_at"] is None]
    for row in asking.dice.sample(live, min(len(live), _SOME)):
        for name, move in entity.states.transitions.items():
            id_ = row["id"]
            trial = Trial(asking).run(
                lambda c, i=id_, n=name: records.transition(asking.person, entity.key, [i], n, connection=c),  # type: ignore[misc]
                [id_],
            )
            after = trial.after[id_]
            if after is None or after[state] == row[state]:
                continue
            allowed = oracle.may(entity.key, row, "update") and oracle.may(entity.key, row, "read")
            holds = not move.roles or bool(asking.person.roles & set(move.roles))
            if not allowed or not holds:
                yield Accepted(entity.key, id_, state, name, _MOVE)


@channel("import", Message("imports"), writes=True)
def imports(asking: Asking) -> Iterator[Told]:
    """Try files over records in reach and not: what is said of their rows, and which of them would be changed."""
    entity, oracle, dice = asking.entity, asking.oracle, asking.dice
    planter = Planter(dice)
    values = {
        key: made[0]
        for key, field in entity.fields.items()
        if field.writable and not field.type.links and not field.choices and (made := planter.value(field)) is not None
    }
    writable = [key for key in values if oracle.writes(entity.key, key)]
    closed = [key for key in values if key not in writable]
    live = [row for row in asking.rows if row["deleted_at"] is None]
    for keys in (writable, closed):
        if keys and live:
            key = dice.choice(keys)
            yield from _tried(asking, key, values[key], live)


def _tried(asking: Asking, key: str, value: Any, rows: list[Record]) -> Iterator[Told]:
    """Try to give records a value by a file of which nothing is kept."""
    entity, oracle = asking.entity.key, asking.oracle
    said = frozenset([key, str(value), *(row["id"] for row in rows)])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.jsonl"
        file.write_bytes(b"\n".join(orjson.dumps({"id": row["id"], key: value}) for row in rows))
        try:
            report = asking.site.import_file(asking.person, entity, file, ImportOptions(on="id", dry_run=True))
        except (AccessDenied, NotFound):
            return
        except GuanxiError as error:
            yield Words(str(error.message).encode(), "refusal", entity, said)
            return
        words = "\n".join(str(each.reason) for each in report.problems)
        yield Words(words.encode(), "problems", entity, said)
        if report.errors_file and Path(report.errors_file).is_file():
            yield Words(Path(report.errors_file).read_bytes(), "errors file", entity, said)
    if report.updated and not oracle.writes(entity, key):
        yield Accepted(entity, None, key, "import", _WRITTEN)
    reached = [row for row in rows if oracle.may(entity, row, "update") and oracle.may(entity, row, "read")]
    if report.updated > len(reached):
        yield Accepted(entity, None, key, f"import: {report.updated} of {len(reached)}", _REACHED)
