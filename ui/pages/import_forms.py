"""The form in which somebody says what the columns of a file are: what it shows, and what a posted one says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine import ColumnMap, ColumnRule, FileLook, ImportTarget, Message, unknown_words
from ui.frame import said, words

SHOWN = 3
"""Cells of a column that are shown beside it."""
_MOST_ROWS = 1_500
_FIXED = 2
"""Empty lines for values that are the same for every row."""
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that are offered together."""

    label: str
    options: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Meaning:
    """A word of a column, and the option that it means."""

    word: str
    option: str


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column of the file as the form shows it."""

    number: int
    index: int
    header: str
    samples: list[str]
    rule: ColumnRule
    kind: str
    """What the field takes: text, date, number, options, list, link; "" for a column that is left out."""
    why: str
    """Why it was proposed: name, similar, values, said; "" otherwise."""
    again: bool
    """Whether the column stands in the form a second time."""
    joins: bool
    """Whether another column before it goes into the same field."""
    meanings: list[Meaning] = field(default_factory=list)
    options: list[tuple[str, str]] = field(default_factory=list)
    problem: str = ""


@dataclass(slots=True)
class ColumnsForm:
    """What is said about the columns, as the form shows it."""

    rows: list[ColumnRow]
    groups: list[Group]
    fixed: list[tuple[str, str]]
    """(field, value) that are the same for every row, and some empty ones."""
    missing: list[str]
    """Labels of required fields that nothing goes into."""
    problem: str = ""


def groups_of(targets: Sequence[ImportTarget]) -> list[Group]:
    """Return the fields that a column may go into, by the link that they belong to."""
    found: dict[str, list[tuple[str, str]]] = {"": []}
    for each in targets:
        label = said(each.label)
        if each.group is None:
            found[""].append((each.key, label))
        else:
            link = said(each.group)
            found.setdefault(link, []).append((each.key, f"{link} · {label}"))
    return [Group(label or words("Fields"), options) for label, options in found.items()]


def shown_form(
    look: FileLook,
    targets: Sequence[ImportTarget],
    plan: ColumnMap,
    whys: Mapping[int, str],
    problems: Mapping[str, Message],
    problem: str = "",
    again: Sequence[int] = (),
) -> ColumnsForm:
    """Return the form for a plan; `again` has columns that somebody wants to use once more."""
    known = {each.key: each for each in targets}
    rows: list[ColumnRow] = []
    used: set[str] = set()
    for index, header in look.named:
        rules = list(plan.rules(header)) or [ColumnRule()]
        rules += [ColumnRule()] * list(again).count(index)
        samples = look.column(index)
        for place, rule in enumerate(rules):
            target = known.get(rule.field)
            row = ColumnRow(
                len(rows), index, header, [_short(cell) for cell in dict.fromkeys(samples)][:SHOWN], rule,
                target.kind if target is not None else "", whys.get(index, "") if place == 0 else "", place > 0,
                bool(rule.field) and rule.field in used, problem=_told(problems, header) if place == 0 else "",
            )  # fmt: skip
            used.add(rule.field)
            rows.append(_with_meanings(row, target, samples))
    said_for = {rule.field for header in plan.columns for rule in plan.rules(header)} | set(plan.values)
    missing = [said(each.label) for each in targets if each.required and each.group is None
               and not any(key.partition(".")[0] == each.key for key in said_for)]  # fmt: skip
    fixed = [(key, str(value)) for key, value in plan.values.items()] + [("", "")] * _FIXED
    return ColumnsForm(rows, groups_of(targets), fixed, missing, problem)


def _told(problems: Mapping[str, Message], header: str) -> str:
    return said(problems[header]) if header in problems else ""


def _with_meanings(row: ColumnRow, target: ImportTarget | None, samples: Sequence[str]) -> ColumnRow:
    if target is None or target.options is None or target.field is None:
        return row
    named = [(key, said(label)) for key, label in target.options.items()]
    open_words = [word for word in unknown_words(target.field, row.rule, samples) if word not in row.rule.values]
    meanings = [Meaning(word, "" if key is None else str(key)) for word, key in row.rule.values.items()]
    return replace(row, meanings=meanings + [Meaning(word, "") for word in open_words], options=named)


def _short(cell: str) -> str:
    line = " ".join(cell.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


# --- what a posted form says


def posted_plan(form: Any, look: FileLook, before: ColumnMap) -> ColumnMap:
    """Return the plan that a posted form says; what the form does not ask stays as before."""
    columns: dict[str, Any] = {header: None for _, header in look.named}
    named = dict(look.named)
    rules: dict[str, list[ColumnRule]] = {}
    taken: set[str] = set()
    for number in range(min(form.get("rows", 0, type=int), _MOST_ROWS)):
        index = form.get(f"r{number}-column", -1, type=int)
        target = form.get(f"r{number}-field", "")
        if index not in named or not target:
            continue
        rule = _posted_rule(form, f"r{number}-", target)
        if target in taken and rule.join is None:
            rule = replace(rule, join=" ")
        taken.add(target)
        rules.setdefault(named[index], []).append(rule)
    columns |= {header: each[0] if len(each) == 1 else tuple(each) for header, each in rules.items()}
    fixed = {}
    for number in range(min(form.get("fixed", 0, type=int), _MOST_ROWS)):
        key, value = form.get(f"v{number}-field", ""), form.get(f"v{number}-value", "").strip()
        if key and value:
            fixed[key] = value
    return replace(before, columns=columns, values=fixed)


def _posted_rule(form: Any, name: str, target: str) -> ColumnRule:
    def text(key: str) -> str:
        return str(form.get(f"{name}{key}", ""))

    nth = form.get(f"{name}nth", 0, type=int)
    meant = {}
    for number in range(min(form.get(f"{name}meanings", 0, type=int), _MOST_ROWS)):
        word, option = form.get(f"{name}w{number}", ""), form.get(f"{name}m{number}", "")
        if word and option:
            meant[word] = None if option == "-" else option
    return ColumnRule(
        target,
        part=(text("between") or " ", nth) if nth else None,
        do=tuple(each for each in form.getlist(f"{name}do") if each),
        values=meant,
        date=text("date"),
        number=text("number"),
        times=text("times").strip(),
        prefix=text("prefix"),
        suffix=text("suffix"),
        separator=text("separator"),
        join=text("join") if f"{name}join" in form else None,
        default=text("default").strip() or None,
        missing=text("missing") or "refuse",
    )


def repeated(form: Any) -> list[int]:
    """Return the column that somebody wants to use once more."""
    index = form.get("again", -1, type=int)
    return [index] if index >= 0 else []
