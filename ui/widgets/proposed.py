"""The parts of a proposal as a person sees them: what would be done, what stands there now, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine import (
    MARK,
    BadValue,
    Entity,
    Field,
    Locale,
    Message,
    NotFound,
    Operation,
    Proposal,
    ProposalPart,
    QueryInvalid,
    Reader,
)
from ui.asking import language
from ui.frame import words
from ui.pages.history import value_said
from ui.pages.listing import locale_of

_LONGEST = 10_000
"""Characters of a value: what is approved is read in full."""
_DOES = {
    "create": Message("Create {label}"),
    "update": Message("Change {label}"),
    "delete": Message("Move {label} to the recycle bin"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One field that is to get a value."""

    label: str
    now: str
    proposed: str
    seen: str = ""
    """What stood there when it was proposed, where it is another value than now."""
    differs: bool = True


@dataclass(frozen=True, slots=True)
class Shown:
    """One part, in words."""

    place: int
    does: str
    title: str
    address: str
    """Of the record; "" when it is not there yet, or not for who reads."""
    version: int | None
    lines: tuple[Line, ...]
    state: str
    due: bool
    """Whether something can still be decided about it."""
    ticked: bool
    notes: tuple[str, ...]
    """What to look at before it is approved."""
    problems: tuple[str, ...]


def shown_parts(reader: Reader, proposal: Proposal) -> list[Shown]:
    """Return the parts of a proposal as who reads may see them."""
    return [_shown(reader, part, due=proposal.due and part.due) for part in proposal.parts]


def _shown(reader: Reader, part: ProposalPart, *, due: bool) -> Shown:
    operation, spoken = part.operation, language()
    entity = reader.model.entities.get(operation.entity)
    if entity is None:
        gone = words("There are no such records any more")
        return Shown(part.place, operation.entity, "", "", None, (), part.state, False, False, (gone,), ())  # noqa: FBT003
    locale = locale_of(reader)
    now, notes = _now(reader, entity, operation), list[str]()
    missing = operation.id is not None and now is None
    lines = _lines(reader, part, entity, now, locale)
    changed = [line.label for line in lines if line.seen]
    if missing:
        notes.append(words("The record is not there any more, or you may not see it"))
    elif changed and part.due:
        notes.append(words("Changed since it was proposed: {fields}", fields=", ".join(changed)))
    notes += [str(each["message"].get(spoken, "")) for each in part.warnings]
    id_ = part.written_id or operation.id
    title = _title(entity, now, locale) if now is not None else _title_of_new(reader, entity, part, locale)
    return Shown(
        place=part.place,
        does=_does(entity, operation, spoken),
        title=title,
        address=f"/{entity.key}/{id_}" if id_ and not missing else "",
        version=now["version"] if now is not None else None,
        lines=tuple(lines),
        state=part.state,
        due=due and not missing,
        ticked=due and not missing and not changed and not part.problems,
        notes=tuple(notes),
        problems=tuple(_problem(entity, each, spoken) for each in part.problems if part.due),
    )


def _does(entity: Entity, operation: Operation, spoken: str) -> str:
    label = entity.label.in_(spoken)
    if operation.kind == "transition" and entity.states is not None:
        step = entity.states.transitions.get(operation.name)
        return words("{label}: {step}", label=label, step=step.label.in_(spoken) if step else operation.name)
    template = _DOES[operation.kind if operation.kind in _DOES else "update"].template
    return Message(template, label=label).in_(spoken)


def _problem(entity: Entity, problem: Mapping[str, Any], spoken: str) -> str:
    field = entity.fields.get(problem["path"].split("/")[0])
    said = str(problem["message"].get(spoken, ""))
    return words("{label}: {step}", label=field.label.in_(spoken), step=said) if field is not None else said


# --- values


def _now(reader: Reader, entity: Entity, operation: Operation) -> dict[str, Any] | None:
    """Return what stands in the record now, of what is to change; None where who reads may not see the record."""
    if operation.id is None:
        return None
    wanted = (*operation.values, *([entity.states.field] if entity.states is not None else []))
    seen = [key for key in wanted if key in entity.fields and reader.access.mask(entity.key)[key] != "hidden"]
    paths = tuple(dict.fromkeys(("id", "version", entity.title, *seen)))
    try:
        return reader.record(entity.key, operation.id, paths).json()
    except QueryInvalid:
        # The title is closed to who reads.
        return reader.record(entity.key, operation.id, tuple(each for each in paths if each != entity.title)).json()
    except NotFound:
        return None


def _lines(
    reader: Reader, part: ProposalPart, entity: Entity, now: Mapping[str, Any] | None, locale: Locale
) -> list[Line]:
    given = dict(part.operation.values)
    if part.operation.kind == "transition" and entity.states is not None:
        step = entity.states.transitions.get(part.operation.name)
        if step is not None:
            given = {entity.states.field: step.to, **given}
    mask = reader.access.mask(entity.key)
    known = [(key, entity.fields[key], _plain(entity.fields[key], value)) for key, value in given.items()
             if key in entity.fields]  # fmt: skip
    values = [(field, each) for key, field, new in known for each in (new, (now or {}).get(key), part.before.get(key))]
    titles = _titles(reader, values)
    lines = []
    for key, field, new in known:
        label = field.label.in_(language())
        if mask[key] == "hidden":
            lines.append(Line(label, "—", words("Not shown to you")))
            continue
        old = (now or {}).get(key)
        before = part.before.get(key, old)
        hidden = mask[key] == "masked"
        moved = now is not None and part.due and not _marked(before) and not hidden and before != old
        lines.append(
            Line(
                label,
                "" if now is None else _said(titles, entity, key, old, locale),
                MARK if hidden else _said(titles, entity, key, new, locale),
                _said(titles, entity, key, before, locale) if moved else "",
                hidden or new != old,
            )
        )
    return lines


def _said(titles: Mapping[tuple[str, str], str], entity: Entity, key: str, value: Any, locale: Locale) -> str:
    field = entity.fields[key]
    if field.type.links == "children" and isinstance(value, (list, tuple)) and value:
        # Rows are read one by one by who approves them.
        return "\n".join(
            "; ".join(f"{name}: {each}" for name, each in row.items() if name not in {"id", "version"})
            for row in value
            if isinstance(row, dict)
        )
    return value_said(titles, entity, key, value, locale, _LONGEST)


def _plain(field: Field, raw: Any) -> Any:
    """Return a raw value as the API would return it once it is written."""
    if raw in (None, "") or field.type.links == "children":
        return raw or None
    try:
        return field.type.to_json(field.type.parse(raw, field.options), field.options)
    except (BadValue, TypeError, ValueError, AttributeError):
        return raw


def _marked(value: Any) -> bool:
    return isinstance(value, str) and MARK in value


def _titles(reader: Reader, values: Iterable[tuple[Field, Any]]) -> dict[tuple[str, str], str]:
    wanted: dict[str, dict[str, None]] = {}
    for field, value in values:
        if field.type.links not in {"one", "many", "any"} or value is None:
            continue
        for each in value if isinstance(value, (list, tuple)) else [value]:
            target, _, id_ = str(each).rpartition("/")
            wanted.setdefault(target or field.target or "", {})[id_] = None
    return {
        (entity, id_): title
        for entity, ids in wanted.items()
        if entity in reader.model.entities
        for id_, title in reader.titles(entity, ids).items()
    }


def _title(entity: Entity, now: Mapping[str, Any], locale: Locale) -> str:
    return value_said({}, entity, entity.title, now.get(entity.title), locale)


def _title_of_new(reader: Reader, entity: Entity, part: ProposalPart, locale: Locale) -> str:
    if reader.access.mask(entity.key)[entity.title] in {"hidden", "masked"}:
        return ""
    given = part.operation.values.get(entity.title)
    value = _plain(entity.fields[entity.title], given) if given is not None else part.title or None
    return value_said({}, entity, entity.title, value, locale) if value is not None else ""
