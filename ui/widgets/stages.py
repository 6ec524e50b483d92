"""The stage bar of a record: where it stands, what it passed, where it may go, and why it may not go elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine import LANGUAGES, Entity, Expr, Message, Reader, Row, States, Text, Transition, paths, to_text
from ui.widgets.cells import COLORS
from ui.widgets.conditions import holds

Mark = Literal["passed", "now", "ahead"]
_WORD = re.compile(r"'(?:[^'\\]|\\.)*'|[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*")
_GOOD, _BAD = frozenset({"green", "teal", "lime"}), frozenset({"red", "pink"})


@dataclass(frozen=True, slots=True)
class Stage:
    """One state of a record, and the step that leads there from where it is."""

    key: str
    label: str
    color: str
    mark: Mark
    end: bool
    """Whether nothing comes after it."""
    tone: Literal["", "good", "bad"] = ""
    """What an end means, as its colour says."""
    step: str = ""
    """Key of the transition that leads there now; "" where none does."""
    does: str = ""
    """What that transition is called."""
    refused: str = ""
    """Why the transition that would lead there is not to be made."""


@dataclass(frozen=True, slots=True)
class StageBar:
    """The stages of a record: those on the way, and the ends."""

    way: tuple[Stage, ...]
    ends: tuple[Stage, ...]
    others: tuple[tuple[str, str], ...]
    """(key, label) of transitions that have no stage of their own on the bar: they lead where another leads too."""
    refusals: tuple[tuple[str, str], ...]
    """(what the transition is called, why it cannot be made)."""

    @property
    def now(self) -> Stage | None:
        """Return the stage in which the record is."""
        return next((each for each in (*self.way, *self.ends) if each.mark == "now"), None)

    @property
    def following(self) -> Stage | None:
        """Return the next stage on the way to which a step leads, else the first good end."""
        ahead = [each for each in self.way if each.mark == "ahead" and each.step]
        good = [each for each in self.ends if each.step and each.tone == "good"]
        return next(iter([*ahead, *good]), None)

    @property
    def place(self) -> int:
        """Return the number of the present stage on the way, from 1; 0 at an end."""
        return next((number for number, each in enumerate(self.way, 1) if each.mark == "now"), 0)


def possible(reader: Reader, entity: Entity, values: Mapping[str, Any], row: Row) -> list[Transition]:
    """Return the transitions that who reads may make now, from the state that there is."""
    return [each for each, why in _leaving(reader, entity, values, row) if why is None]


def stage_bar(reader: Reader, entity: Entity, values: Mapping[str, Any], row: Row, language: str) -> StageBar | None:
    """Return the stages of a record for who reads; None for one that has no states, or whose state they may not see."""
    states = entity.states
    if states is None or values.get(states.field) is None:
        return None
    now, choices = str(values[states.field]), entity.fields[states.field].choices
    ends = reader.model.derive(("ends", entity.key), lambda: ending(states, tuple(choices)))
    keys = [key for key, each in choices.items() if not each.hidden or key == now]
    leaving = _leaving(reader, entity, values, row)
    steps: dict[str, tuple[Transition, Message | None]] = {}
    others: list[tuple[str, str]] = []
    for each, why in leaving:
        known = steps.get(each.to)
        if known is None or (known[1] is not None and why is None):
            steps[each.to] = (each, why)
        elif why is None:
            others.append((each.key, each.label.in_(language)))
    if now in steps and steps[now][1] is None:
        step = steps.pop(now)[0]
        others.append((step.key, step.label.in_(language)))
    order = {key: number for number, key in enumerate(keys)}

    def made(key: str) -> Stage:
        option, mark = choices[key], _mark(key, now, order, ends)
        step, why = steps.get(key, (None, None))
        color = option.color if option.color in COLORS else ""
        tone: Literal["", "good", "bad"] = "good" if color in _GOOD else "bad" if color in _BAD else ""
        return Stage(
            key, option.label.in_(language), color, mark, key in ends, tone if key in ends else "",
            step.key if step is not None and why is None and key != now else "",
            step.label.in_(language) if step is not None else "",
            why.in_(language) if why is not None else "",
        )  # fmt: skip

    shown = [made(key) for key in keys]
    refusals = tuple((each.label.in_(language), why.in_(language)) for each, why in leaving if why is not None)
    return StageBar(
        tuple(each for each in shown if not each.end),
        tuple(each for each in shown if each.end),
        tuple(others),
        refusals,
    )


def _mark(key: str, now: str, order: Mapping[str, int], ends: frozenset[str]) -> Mark:
    if key == now:
        return "now"
    passed = key not in ends and (now in ends or order[key] < order.get(now, 0))
    return "passed" if passed else "ahead"


def ending(states: States, keys: Sequence[str]) -> frozenset[str]:
    """Return the states from which no transition leads to one that comes later: the ends of the way.

    A transition from anywhere counts for no state, and where every state would be an end, none is.
    """
    order = {key: number for number, key in enumerate(keys)}
    ongoing = {
        source
        for each in states.transitions.values()
        for source in each.sources
        if order.get(each.to, -1) > order.get(source, 0)
    }
    ends = frozenset(key for key in keys if key not in ongoing)
    return ends if len(ends) < len(keys) else frozenset()


def _leaving(
    reader: Reader, entity: Entity, values: Mapping[str, Any], row: Row
) -> list[tuple[Transition, Message | None]]:
    """Return (transition, why it cannot be made) of those that leave the present state; none to who may not change."""
    if entity.states is None or values.get(entity.states.field) is None or not row.may("update"):
        return []
    now = values[entity.states.field]
    return [
        (each, _refusal(reader, entity, each, values, row.id))
        for each in entity.states.transitions.values()
        if (not each.sources or now in each.sources) and (each.sources or each.to != now)
    ]


def _refusal(
    reader: Reader, entity: Entity, each: Transition, values: Mapping[str, Any], record_id: str
) -> Message | None:
    if not reader.access.may_make(each):
        roles = [reader.model.roles[key].label for key in each.roles if key in reader.model.roles]
        return Message("Only for: {roles}", roles=_together(roles))
    if each.when is None or holds(reader, entity.key, each.when, values, record_id) is not False:
        return None
    if not set(_read(entity, each.when)) <= _seen(reader, entity):
        return Message("What it depends on is not so yet")
    return Message("Possible when: {condition}", condition=_spoken(entity, each.when))


def _spoken(entity: Entity, expr: Expr) -> Text:
    """Return a condition with the labels of fields and options in place of their keys."""
    read = {keys[0] for keys in paths(expr)} & entity.fields.keys()
    source = to_text(expr)

    def in_(language: str) -> str:
        options = {
            f"'{key}'": option.label.in_(language)
            for name in read
            for key, option in entity.fields[name].choices.items()
        }

        def said(found: re.Match[str]) -> str:
            word = found[0]
            if word.startswith("'"):
                return options.get(word, word)
            field = entity.fields.get(word.partition(".")[0])
            return field.label.in_(language) if field is not None else word

        return _WORD.sub(said, source)

    return Text({language: in_(language) for language in LANGUAGES})


def _together(labels: Sequence[Text]) -> Text:
    """Return labels one after the other."""
    return Text(
        {
            language: ("、" if language.startswith("zh") else ", ").join(each.in_(language) for each in labels)
            for language in LANGUAGES
        }
    )


def _read(entity: Entity, expr: Expr) -> Iterable[str]:
    return (keys[0] for keys in paths(expr) if keys[0] in entity.fields)


def _seen(reader: Reader, entity: Entity) -> frozenset[str]:
    mask = reader.access.mask(entity.key)
    return frozenset(key for key in entity.fields if mask.get(key) in {"read", "write"})
