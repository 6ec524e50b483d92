"""What a form of one record is made of: its inputs by tab and section, and the way from a posted form to raw values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import request

from engine import Entity, Field, FieldProblem, Files, Form, Locale, Message, Model, Reader, RecordInvalid, Section
from ui.asking import language, principal, site
from ui.frame import said
from ui.widgets.facts import child_paths
from ui.widgets.inputs import UNCHANGED, Input, kept, kind_of, make, posted
from ui.widgets.paths import linked_titles

SPARE_ROWS = 3
"""Empty rows of a child table that a form offers."""
MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Block:
    """One section of a form, ready for its template."""

    label: str
    columns: int
    inputs: Sequence[Input]


@dataclass(frozen=True, slots=True)
class Editing:
    """A form of one entity as somebody may fill it in."""

    entity: Entity
    form: Form
    fields: Mapping[str, Field]
    """Fields that they may write, by key, in the order of the form."""

    @property
    def select(self) -> tuple[str, ...]:
        """Return the paths that the inputs need of a record."""
        paths: dict[str, None] = {}
        for key in self.fields:
            paths[key] = None
        return tuple(paths)


def editing(reader: Reader, entity: Entity, action: str) -> Editing:
    """Return the form of an entity with the fields that who reads may write when they create or update."""
    form = reader.model.form(entity.key)
    mask = reader.access.mask(entity.key)
    found: dict[str, Field] = {}
    for section in _sections(form):
        for item in section.items:
            field = entity.fields[item.field]
            if field.writable and not field.read_only and not field.hidden and mask.get(field.key) == "write":
                found[field.key] = field
    if entity.parent_field is not None and action == "create":
        found = {entity.parent_field: entity.fields[entity.parent_field], **found}
    if action == "create":
        # What a new record cannot do without is asked for, even where the form leaves it out.
        for field in entity.fields.values():
            if field.required and field.default is None and field.default_expr is None and field.writable:
                found.setdefault(field.key, field)
    return Editing(entity, form, found)


def _sections(form: Form) -> Iterator[Section]:
    for tab in form.tabs:
        yield from tab.sections


def titles_of(reader: Reader, form: Editing) -> dict[str, str]:
    """Return by field the dotted path of the title that stands for its link."""
    found = {}
    for key, field in form.fields.items():
        path = linked_titles(reader.model, field, (key,)) if field.type.links == "one" else None
        if path is not None and kind_of(field) == "link":
            found[key] = ".".join(path)
    return found


def blocks(
    reader: Reader,
    form: Editing,
    values: Mapping[str, Any],
    titles: Mapping[str, str],
    locale: Locale,
    problems: Sequence[FieldProblem] = (),
) -> list[Block]:
    """Return the sections of a form with their inputs: as posted when a form was posted, else with `values`."""
    shown: list[Block] = []
    done: set[str] = set()
    for section in _sections(form.form):
        keys = [item.field for item in section.items if item.field in form.fields]
        if keys:
            label = said(section.label) if section.label else ""
            inputs = [_input(reader, form, key, values, titles, locale, problems) for key in keys]
            shown.append(Block(label, section.columns, inputs))
            done.update(keys)
    rest = [key for key in form.fields if key not in done]
    if rest:
        shown.insert(0, Block("", 2, [_input(reader, form, key, values, titles, locale, problems) for key in rest]))
    return shown


def _input(
    reader: Reader,
    form: Editing,
    key: str,
    values: Mapping[str, Any],
    titles: Mapping[str, str],
    locale: Locale,
    problems: Sequence[FieldProblem],
) -> Input:
    field = form.fields[key]
    made = make(reader, field, values.get(key), locale, title=titles.get(key, ""))
    if form.entity.states is not None and form.entity.states.field == key:
        made = replace(made, options=_reachable(form.entity, field, values.get(key), made.options))
    wrong = [problem.message.in_(language()) for problem in problems if problem.path == key]
    if made.kind == "rows":
        return _rows(reader, made, field, values.get(key), locale, problems)
    return kept(made, request.form, wrong) if request.method == "POST" else made


def _reachable(entity: Entity, field: Field, now: Any, options: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the states that a person may choose: the one there is, and those that a transition leads to."""
    if now is None or entity.states is None:
        return list(options)
    roles = principal().roles
    allowed = {now}
    for each in entity.states.transitions.values():
        if (not each.sources or now in each.sources) and (not each.roles or roles & set(each.roles)):
            allowed.add(each.to)
    return [(key, label) for key, label in options if key in allowed]


# --- child rows


def _child_fields(reader: Reader, field: Field) -> list[Field]:
    child = reader.model.entity(field.target or "")
    mask = reader.access.mask(child.key)
    shown = [child.fields[key] for key in child_paths(reader.access, child)]
    return [each for each in shown if each.writable and not each.read_only and mask.get(each.key) == "write"]


def _rows(
    reader: Reader, made: Input, field: Field, value: Any, locale: Locale, problems: Sequence[FieldProblem]
) -> Input:
    fields = _child_fields(reader, field)
    stored: list[Mapping[str, Any]] = list(value or ())
    wanted = len(stored) + SPARE_ROWS
    if request.method == "POST":
        wanted = max(wanted, min(request.form.get(f"count-{field.key}", 0, type=int), MOST_ROWS))
    wanted += SPARE_ROWS if request.form.get("more") == field.key else 0
    rows = []
    for place in range(wanted):
        row = stored[place] if place < len(stored) else {}
        prefix = f"{field.key}-{place}-"
        inputs = []
        for each in fields:
            own = make(reader, each, row.get(each.key), locale, prefix=prefix, title=_row_title(reader, each, row))
            wrong = [
                problem.message.in_(language())
                for problem in problems
                if problem.path == f"{field.key}/{place}/{each.key}"
            ]
            inputs.append(kept(own, request.form, wrong) if request.method == "POST" else own)
        rows.append((str(row.get("id", "")), inputs))
    wrong = [problem.message.in_(language()) for problem in problems if problem.path == field.key]
    heads = [each.label.in_(language()) for each in fields]
    return replace(made, rows=rows, heads=heads, was="", problems=wrong)


def _row_title(reader: Reader, field: Field, row: Mapping[str, Any]) -> str:
    value = row.get(field.key)
    if value is None or field.type.links != "one" or not field.target:
        return ""
    return str(reader.titles(field.target, [value]).get(value, ""))


def _posted_rows(reader: Reader, field: Field, locale: Locale) -> Any:
    form = request.form
    count = min(form.get(f"count-{field.key}", 0, type=int), MOST_ROWS)
    fields = _child_fields(reader, field)
    rows: list[dict[str, Any]] = []
    changed = False
    for place in range(count):
        prefix = f"{field.key}-{place}-"
        row_id = form.get(f"{prefix}id", "")
        values = {
            each.key: got for each in fields if (got := posted(each, form, locale, prefix=prefix)) is not UNCHANGED
        }
        if row_id and form.get(f"{prefix}delete"):
            rows.append({"id": row_id, "_delete": True})
            changed = True
        elif row_id:
            rows.append({"id": row_id, **values})
            changed = changed or bool(values)
        elif any(value not in {None, ""} for value in values.values() if isinstance(value, (str, type(None)))) or any(
            not isinstance(value, (str, type(None))) for value in values.values()
        ):
            rows.append(values)
            changed = True
    return rows if changed else UNCHANGED


def raw_values(reader: Reader, form: Editing, locale: Locale) -> dict[str, Any]:
    """Return the raw values that a posted form changes, by field key."""
    found: dict[str, Any] = {}
    for key, field in form.fields.items():
        kind = kind_of(field)
        if kind == "rows":
            value = _posted_rows(reader, field, locale)
        elif kind in {"file", "files"}:
            value = _posted_files(site().files, field, several=kind == "files")
        else:
            value = posted(field, request.form, locale)
        if value is not UNCHANGED:
            found[key] = value
    return found


def _posted_files(files: Files, field: Field, *, several: bool) -> Any:
    if f"was-{field.key}" not in request.form:
        return UNCHANGED
    kept_ids = [each for each in request.form.getlist(f"keep-{field.key}") if each]
    sent = [each for each in request.files.getlist(field.key) if each.filename]
    try:
        fresh = [files.add(principal(), each.stream, name=each.filename or "") for each in sent]
    except RecordInvalid as error:
        raise RecordInvalid([replace(each, path=field.key) for each in error.problems]) from error
    had = request.form[f"was-{field.key}"]
    if several:
        return [*kept_ids, *fresh] if fresh or len(kept_ids) != had.count('"') // 2 else UNCHANGED
    if fresh:
        return fresh[-1]
    return UNCHANGED if kept_ids or not had else None


def unplaced(form: Editing, problems: Sequence[FieldProblem]) -> list[str]:
    """Return what is wrong that no input of the form can show beside itself."""
    placed = set(form.fields)
    spoken = language()
    found = []
    for problem in problems:
        key = problem.path.split("/", 1)[0]
        if key not in placed:
            field = form.entity.fields.get(key)
            words = problem.message.in_(spoken)
            found.append(f"{field.label.in_(spoken)}: {words}" if field is not None else words)
    return found


def defaults_of(model: Model, form: Editing) -> dict[str, Any]:
    """Return the values that a new record begins with, where they are known before it is saved."""
    return {key: field.default for key, field in form.fields.items() if field.default is not None}


def said_title(values: Mapping[str, Any], entity: Entity, locale: Locale) -> str:
    """Return what names a record, in words."""
    field = entity.fields[entity.title]
    value = values.get(entity.title)
    if value is None:
        return "—"
    return str(value) if field.type.links else field.type.displayer(field.options, locale)(value)


def changed_elsewhere(entity: Entity) -> Message:
    """Return the sentence above a form whose record somebody else changed."""
    return Message("Somebody else changed this {label} while you worked. Choose for each field.", label=entity.label)
