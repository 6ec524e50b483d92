"""Telling of an alarm by mail: who gets it, in which language, and what it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine.alarms.raised import Raised
from engine.alarms.rules import Rule, alert_helps, alert_labels
from engine.i18n import Message, Text
from engine.identity.people import Person
from engine.mail import Letter
from engine.metadata.alerts import PERSON
from engine.metadata.model import Model

PURPOSE = "alert"


def receivers(
    rule: Rule, raised: Raised, model: Model, people: Sequence[Person], members: Mapping[str, Iterable[str]]
) -> Iterator[tuple[str, Person | None]]:
    """Yield (address, person) of each who gets a mail, once; `members` has the ids of people by team."""
    seen: set[str] = set()
    for who in rule.to:
        for address, person in _meant(who, raised, model, people, members):
            if address and address.lower() not in seen:
                seen.add(address.lower())
                yield address, person


def _meant(
    who: str, raised: Raised, model: Model, people: Sequence[Person], members: Mapping[str, Iterable[str]]
) -> Iterator[tuple[str | None, Person | None]]:
    kind, _, name = who.partition(":")
    if "@" in who:
        yield who, next((each for each in people if each.email == who), None)
        return
    for each in people:
        held = kind == "permission" and holds(model, each, name)
        if each.active and (
            held
            or (kind == "role" and name in each.roles)
            or (kind == "team" and each.id in members.get(name, ()))
            or (who == PERSON and each.id == raised.person_id)
            or who in {each.id, each.email}
        ):
            yield each.email, each


def holds(model: Model, person: Person, permission: str) -> bool:
    """Say whether a person holds a permission by a role; administrators hold all of them."""
    held = {each for key in person.roles if key in model.roles for each in model.roles[key].permissions}
    return bool(held & {permission, "admin"})


def letter(
    rule: Rule, raised: Raised, person: str | None, address: str | None, entity: Text | None, *, own: bool = False
) -> Letter:
    """Return what is said of an alarm.

    Args:
        rule: what rang.
        raised: its row.
        person: the name of whom it is about.
        address: where who gets it finds the inbox; None for who may not open it.
        entity: what the records are called that it is about.
        own: whether it goes to whom it is about.
    """
    lines = [alert_figures(raised.details, entity)]
    if person is not None:
        lines.append(Message("It is about {person}.", person=person))
    if raised.address:
        lines.append(Message("It came from {address}.", address=raised.address))
    if place := raised.details.get("agent"):
        lines.append(Message("The browser was {agent}.", agent=place))
    lines += [Message("{text}", text=each) for each in (rule.help, rule.words) if len(each)]
    if own:
        lines.append(Message("If this was not you, change your password and tell an administrator."))
    button = (Message("Look at the alert"), f"{address}/admin/alerts/{raised.id}") if address else None
    return Letter(PURPOSE, Message("Alert: {label}", label=rule.label), lines, button)


def alert_figures(details: Mapping[str, Any], entity: Text | None) -> Message:
    """Return what an alarm counted, as a sentence."""
    value, limit, usual = (details.get(name) for name in ("value", "limit", "usual"))
    what: Any = entity if entity is not None else Message("records")
    if value is None:
        return Message("The alarm rang.")
    if usual is not None and details.get("kinds") == ["export"]:
        return Message(
            "{value} {what} were exported; {usual} is usual.", value=f"{value:,}", what=what, usual=f"{usual:,}"
        )
    if usual is not None:
        return Message("{value} {what} were read; {usual} is usual.", value=f"{value:,}", what=what, usual=f"{usual:,}")
    if "minutes" in details:
        return Message(
            "It happened {value} times within {minutes} minutes.", value=f"{value:,}", minutes=details["minutes"]
        )
    if details.get("above"):
        return Message("The number for {what} is {value}, above {limit}.", what=what, value=value, limit=limit)
    return Message("The number for {what} is {value}, below {limit}.", what=what, value=value, limit=limit)


__all__ = ["PURPOSE", "alert_figures", "alert_helps", "alert_labels", "letter", "receivers"]
