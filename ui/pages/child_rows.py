"""Child rows inside the form of their parent: their inputs, and the way from what was posted back to raw rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from flask import request
from werkzeug.datastructures import MultiDict

from engine import Field, FieldProblem, Locale, Message, Reader, is_id
from ui.asking import language
from ui.pages.typed import as_typed, is_again
from ui.widgets.facts import child_paths
from ui.widgets.inputs import Head, Input, Posted, kept, make
from ui.widgets.inputs import Row as InputRow
from ui.widgets.posted import UNCHANGED, Uploads, posted, touched
from ui.widgets.working import NUMBERS, live_fields

if TYPE_CHECKING:
    from ui.pages.titles import Titles

SPARE_ROWS = 2
"""Empty rows of a child table that a form offers."""
MOST_ROWS = 10_000
"""Rows of a posted form that are looked at; more than any table takes."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One child row as it is stored."""

    id: str
    values: Mapping[str, Any]
    titles: Mapping[str, str] = field(default_factory=dict)
    """Field -> title of the record that its link leads to."""


@dataclass(frozen=True, slots=True)
class PostedRow:
    """One child row as it was posted."""

    place: int
    """Where it stands in the form."""
    id: str
    removed: bool
    values: Mapping[str, Any]
    """What was changed in a stored row; what was filled in in a new one."""
    blank: bool
    """A new row in which nobody filled in anything."""


def child_fields(reader: Reader, table: Field) -> list[Field]:
    """Return the fields of a child row that who reads may fill in, inside the form of its parent."""
    child = reader.model.entity(table.target or "")
    mask = reader.access.mask(child.key)
    shown = [child.fields[key] for key in child_paths(reader.access, child)]
    return [each for each in shown if each.writable and not each.read_only and mask.get(each.key) == "write"]


def prefix_of(table: Field, place: int) -> str:
    """Return what the names of the inputs of a row begin with."""
    return f"{table.key}-{place}-"


def posted_count(table: Field) -> int:
    """Return how many rows the posted form had."""
    # Each row has inputs, so there are not more of them, whatever the form says.
    said = max(as_typed().get(f"count-{table.key}", 0, type=int), 0)
    return min(said, MOST_ROWS, len(as_typed()) + len(request.files))


def posted_rows(reader: Reader, table: Field, locale: Locale, uploads: Uploads) -> Iterator[PostedRow]:
    """Yield the rows of a posted table."""
    form: Posted = as_typed()
    fields = child_fields(reader, table)
    for place in range(posted_count(table)):
        prefix = prefix_of(table, place)
        row_id = form.get(f"{prefix}id", "")
        removed = bool(form.get(f"{prefix}delete"))
        blank = not row_id and not any(touched(each, form, uploads, prefix) for each in fields)
        values = {
            each.key: value
            for each in fields
            if (value := posted(each, form, locale, uploads, prefix=prefix, creating=not row_id)) is not UNCHANGED
        }
        yield PostedRow(place, row_id, removed, values, blank)


def raw_rows(rows: Sequence[PostedRow], others: Sequence[str] = ()) -> Any:
    """Return the rows as `Records` takes them, UNCHANGED when nothing was done to any.

    `others` are rows that came into being after the form was made: they stay.
    """
    found: list[dict[str, Any]] = []
    changed = False
    for row in rows:
        if row.id:
            found.append({"id": row.id, "_delete": True} if row.removed else {"id": row.id, **row.values})
            changed = changed or row.removed or bool(row.values)
        elif not row.blank and not row.removed:
            found.append(dict(row.values))
            changed = True
    return [*found, *({"id": each} for each in others)] if changed else UNCHANGED


def placed(table: Field, rows: Sequence[PostedRow], problems: Sequence[FieldProblem]) -> list[FieldProblem]:
    """Return problems with the place of each row in the form instead of that among the rows that were sent."""
    sent = [row.place for row in rows if row.id or not (row.blank or row.removed)]
    found = []
    for each in problems:
        key, _, rest = each.path.partition("/")
        number, _, inner = rest.partition("/")
        if key == table.key and number.isdigit() and int(number) < len(sent):
            found.append(replace(each, path="/".join(filter(None, (key, str(sent[int(number)]), inner)))))
        else:
            found.append(each)
    return found


# --- inputs


def rows_of(
    reader: Reader,
    made: Input,
    table: Field,
    stored: Sequence[Stored],
    locale: Locale,
    problems: Sequence[FieldProblem],
    titles: Titles,
    uploads: Uploads,
) -> Input:
    """Return the input of a table: its stored rows and some empty ones, or the rows as they were posted."""
    fields = child_fields(reader, table)
    by_id = {row.id: row for row in stored}
    again = is_again() and f"count-{table.key}" in as_typed()
    if again:
        count = posted_count(table)
        ids = [as_typed().get(f"{prefix_of(table, place)}id", "") for place in range(count)]
        fresh = SPARE_ROWS if as_typed().get("more") == table.key else 0
        known: list[Stored | None] = [by_id.get(each, Stored(each, {})) if each else None for each in ids]
        known += [None] * fresh
    else:
        known = [*stored, *([None] * (1 if stored else SPARE_ROWS))]
    rows = []
    extra = shown_fields(reader, table)
    for place, row in enumerate(known):
        prefix = prefix_of(table, place)
        told: dict[str, list[str]] = {}
        for problem in problems:
            if problem.path.startswith(f"{table.key}/{place}/"):
                told.setdefault(problem.path.split("/", 2)[2], []).append(problem.message.in_(language()))
        inputs = [_input(reader, each, row, locale, prefix, titles, uploads, told.pop(each.key, [])) for each in fields]
        inputs += [_worked_out(each, row, locale, prefix) for each in extra]
        rest = [words for messages in told.values() for words in messages]
        rest += [each.message.in_(language()) for each in problems if each.path == f"{table.key}/{place}"]
        removed = again and bool(as_typed().get(f"{prefix}delete"))
        rows.append(InputRow(row.id if row is not None and is_id(row.id) else "", inputs, removed, rest))
    wrong = [problem.message.in_(language()) for problem in problems if problem.path == table.key]
    heads = [_head(reader, table, each) for each in (*fields, *extra)]
    order = place_field(reader, table)
    return replace(made, rows=rows, heads=heads, problems=wrong, place=order.key if order is not None else "")


def shown_fields(reader: Reader, table: Field) -> list[Field]:
    """Return the fields of a child row that are worked out, and that who reads may see."""
    child = reader.model.entity(table.target or "")
    live = live_fields(reader, child)
    return [child.fields[key] for key in child_paths(reader.access, child) if key in live]


def place_field(reader: Reader, table: Field) -> Field | None:
    """Return the whole number by which the rows of a table are ordered, where who reads may write it."""
    child = reader.model.entity(table.target or "")
    first = child.order[0] if child.order else None
    if first is None or first.descending or len(first.path) != 1:
        return None
    found = child.fields.get(first.path[0])
    if found is None or found.type.name != "integer":
        return None
    return found if any(each.key == found.key for each in child_fields(reader, table)) else None


def _head(reader: Reader, table: Field, each: Field) -> Head:
    """Return what stands above a column, and the field of the parent that sums it up."""
    spoken = language()
    parent = reader.model.entity(table.entity)
    seen = live_fields(reader, parent)
    total = next(
        (
            one
            for one in parent.fields.values()
            if one.rollup is not None
            and one.key in seen
            and (one.rollup.relation, one.rollup.function, one.rollup.field) == (table.key, "sum", each.key)
        ),
        None,
    )
    number = each.type.result(each.options).name in NUMBERS
    told = total.label.in_(spoken) if total is not None else ""
    return Head(each.key, each.label.in_(spoken), each.required, number, total.key if total is not None else "", told)


def _worked_out(each: Field, row: Stored | None, locale: Locale, prefix: str) -> Input:
    value = row.values.get(each.key) if row is not None else None
    words = each.type.displayer(each.options, locale)(value) if value is not None else ""
    return Input(f"{prefix}{each.key}", "shown", each.label.in_(locale.language), value=words)


def done_with_rows(reader: Reader, tables: Mapping[str, Field], posted: Posted) -> Posted:
    """Return a posted form with what one of the buttons of a row does: `items:copy:3`, `items:up:3`, `items:down:3`."""
    table, _, rest = posted.get("more", "").partition(":")
    act, _, number = rest.partition(":")
    count = posted.get(f"count-{table}", 0, type=int)
    if table not in tables or not number.isdigit() or not int(number) < count <= MOST_ROWS:
        return posted
    found: Posted = MultiDict(posted)
    if act == "copy":
        _copy(found, table, int(number), count)
    elif act in {"up", "down"}:
        order = place_field(reader, tables[table])
        if order is not None:
            _swap(found, table, int(number), int(number) + (1 if act == "down" else -1), count)
            _number(found, table, order.key, count)
    return found


def _copy(found: Posted, table: str, place: int, count: int) -> None:
    """Add what stands in a row once more, as a row that is not stored yet."""
    begin, fresh = f"{table}-{place}-", f"{table}-{count}-"
    for name, values in list(found.lists()):
        mark, _, inner = name.rpartition(begin)
        if not inner or inner in {"id", "delete"} or mark not in {"", "was-", "id-", "title-", "kind-"}:
            continue
        found.setlist(f"{mark}{fresh}{inner}", [""] if mark == "was-" else values)
    found.setlist(f"{fresh}id", [""])
    found.setlist(f"count-{table}", [str(count + 1)])


def _swap(found: Posted, table: str, place: int, other: int, count: int) -> None:
    """Let two rows change places: all that stands in one goes to the other."""
    if not 0 <= other < count:
        return
    begins = {f"{table}-{place}-": f"{table}-{other}-", f"{table}-{other}-": f"{table}-{place}-"}
    moved: dict[str, list[str]] = {}
    for name, values in list(found.lists()):
        for begin, goal in begins.items():
            mark, _, inner = name.rpartition(begin)
            if inner and (not mark or mark.endswith("-")):
                moved[f"{mark}{goal}{inner}"] = values
                del found[name]
    for name, values in moved.items():
        found.setlist(name, values)


def _number(found: Posted, table: str, key: str, count: int) -> None:
    """Write into each row that is not blank where it stands."""
    for place in range(count):
        begin = f"{table}-{place}-"
        if any(values[0] for name, values in found.lists() if name.startswith(begin) and values):
            found.setlist(f"{begin}{key}", [str(place + 1)])


def _input(
    reader: Reader,
    each: Field,
    row: Stored | None,
    locale: Locale,
    prefix: str,
    titles: Titles,
    uploads: Uploads,
    wrong: Sequence[str],
) -> Input:
    from ui.pages.editing import again

    value = row.values.get(each.key) if row is not None else each.default
    title = (row.titles.get(each.key) if row is not None else "") or titles.of(each, value)
    made = make(reader, each, value, locale, prefix=prefix, title=title, titles=titles.all(each))
    if row is not None and not row.id:
        made = replace(made, was="")  # a copy of another row: all of it is new
    if not is_again() or f"was-{made.name}" not in as_typed():
        return replace(made, problems=wrong) if wrong else made
    return again(reader, each, kept(made, as_typed(), wrong), titles, uploads, wrong=bool(wrong))


# --- what others did meanwhile


@dataclass(frozen=True, slots=True)
class CellConflict:
    """One cell of a child row that two people changed."""

    path: str
    """`items/0/amount`, the place in the form."""
    field: Field
    mine: Any
    theirs: Any


def cell_conflicts(
    reader: Reader, table: Field, rows: Sequence[PostedRow], stored: Sequence[Stored], locale: Locale
) -> list[CellConflict]:
    """Return the cells whose stored value is neither what the form was made with nor what it asks for."""
    by_id = {row.id: row for row in stored}
    fields = {each.key: each for each in child_fields(reader, table)}
    found = []
    for row in rows:
        now = by_id.get(row.id)
        if now is None:
            continue
        prefix = prefix_of(table, row.place)
        for key, mine in row.values.items():
            each = fields[key]
            made = make(reader, each, now.values.get(key), locale, prefix=prefix)
            was = as_typed().get(f"was-{prefix}{key}", "").replace("\r\n", "\n")
            if each.secret or made.kind == "secret" or made.was == was or mine == now.values.get(key):
                continue
            found.append(CellConflict(f"{table.key}/{row.place}/{key}", each, mine, now.values.get(key)))
    return found


def gone(table: Field, rows: Sequence[PostedRow], stored: Sequence[Stored]) -> list[FieldProblem]:
    """Return a problem for each row that somebody changed in the form and that somebody else has deleted."""
    there = {row.id for row in stored}
    message = Message("Somebody else deleted this row meanwhile; tick “Remove” to go on without it")
    return [
        FieldProblem(f"{table.key}/{row.place}", message, "gone")
        for row in rows
        if row.id and row.id not in there and row.values and not row.removed
    ]
