"""Assignments: which of a person's records go to whom, as a form, a command or the API says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import ExpressionInvalid, FieldProblem, RecordInvalid
from engine.expression import Expr, conjunction, negation, parse, paths, to_text
from engine.handover.belongings import Belonging, belongings
from engine.i18n import Message
from engine.metadata.model import Model


@dataclass(frozen=True, slots=True)
class Assignment:
    """What becomes of some of a person's records.

    Of several for one kind of record the first that fits a record decides.
    """

    key: str
    """What it is about, as `Belonging.key`: "lead" is what they own, "team.leader" a field that leads to them."""
    to: tuple[str, ...] = ()
    """Ids of those who get it; of several, each gets as many. Empty with `keep` off: nobody, the field is emptied."""
    where: str = ""
    """A condition; "" is whatever no other assignment took."""
    keep: bool = False
    """Whether it stays with the person."""


@dataclass(frozen=True, slots=True)
class Order:
    """An assignment, ready to be carried out."""

    belonging: Belonging
    condition: Expr | None
    """Its own condition and not those before it."""
    to: tuple[str, ...]
    keep: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept in the database."""
        condition = "" if self.condition is None else to_text(self.condition)
        return {"key": self.belonging.key, "where": condition, "to": list(self.to), "keep": self.keep}


def order_from_json(model: Model, body: Mapping[str, Any]) -> Order | None:
    """Read an order back; None when what it is about was taken out of the site since."""
    known = {each.key: each for each in belongings(model)}
    belonging = known.get(body["key"])
    if belonging is None:
        return None
    condition = parse(body["where"]) if body["where"] else None
    return Order(belonging, condition, tuple(body["to"]), bool(body["keep"]))


def orders(model: Model, assignments: Sequence[Assignment]) -> list[Order]:
    """Return what has to be done, in the order of the assignments.

    Raises:
        RecordInvalid: an assignment is about something unknown, its condition cannot be read, or nobody gets what has
            to be somebody's. The row of each problem is the place of its assignment.
    """
    known = {each.key: each for each in belongings(model)}
    problems: list[FieldProblem] = []
    found: list[Order] = []
    before: dict[str, list[Expr]] = {}
    for row, each in enumerate(assignments):
        belonging = known.get(each.key)
        if belonging is None:
            message = Message("There is no {key} to hand over; there are {known}", key=each.key, known=", ".join(known))
            problems.append(FieldProblem("key", message, "unknown", row))
            continue
        if belonging.hold == "owner" and not each.to and not each.keep:
            problems.append(FieldProblem("to", Message("Say who gets them"), "required", row))
        try:
            own = parse(each.where) if each.where.strip() else None
        except ExpressionInvalid as error:
            problems.append(FieldProblem("where", error.message, "expression", row))
            continue
        taken = before.setdefault(each.key, [])
        parts = [*(negation(other) for other in taken), *([own] if own is not None else [])]
        found.append(Order(belonging, conjunction(*parts) if parts else None, each.to, each.keep))
        if own is not None:
            taken.append(own)
    if problems:
        raise RecordInvalid(problems)
    return found


def in_turn(found: Sequence[Order]) -> list[Order]:
    """Return orders as they are carried out."""
    return sorted(found, key=_late)


def _late(order: Order) -> tuple[bool, bool]:
    """Put what is found by other records first, while those are still the person's, and teams and the like last."""
    crosses = order.condition is not None and any(len(path) > 1 for path in paths(order.condition))
    return order.belonging.hold != "owner", not crosses
