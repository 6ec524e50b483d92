"""What is told of a record that looks like another one: all of it to who may read it, else only that it is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.data.alike import Duplicates, Score, rule_text
from engine.data.unit import Unit
from engine.duplicates.finding import Match
from engine.errors import GuanxiError
from engine.fields import Locale
from engine.i18n import Message
from engine.metadata.model import Model

_FULL = 100


@dataclass(frozen=True, slots=True)
class Twin:
    """A record that looks like another one, as one person may know it.

    Of one that they may not read, `id`, `title`, `score`, `reasons` and `updated_at` are empty: they learn that there
    is such a record, and `owner` when the document says so.
    """

    document: str
    entity: str
    id: str | None
    title: str
    score: int | None
    reasons: tuple[Message, ...]
    owner: str
    updated_at: datetime | None

    @property
    def readable(self) -> bool:
        """Say whether the person may read it."""
        return self.id is not None

    def json(self, language: str = "en") -> dict[str, Any]:
        """Return it as programs get it."""
        told: dict[str, Any] = {"entity": self.entity, "id": self.id, "owner": self.owner or None}
        if self.readable:
            told |= {
                "title": self.title,
                "score": self.score,
                "reasons": [reason.in_(language) for reason in self.reasons],
                "updated_at": self.updated_at.isoformat().replace("+00:00", "Z") if self.updated_at else None,
            }
        return told


class DuplicatesFound(GuanxiError):
    """Records that look like one that is to be saved are there already.

    Attributes:
        twins: what the person may know of them.
        blocked: whether nobody but those whom the document names may save it all the same.
        may_override: whether the person is one of those.
        told: whether the message is what a document says.
    """

    def __init__(
        self, twins: Sequence[Twin], message: Message, *, blocked: bool, may_override: bool = True, told: bool = False
    ) -> None:
        self.twins, self.blocked, self.may_override, self.told = tuple(twins), blocked, may_override, told
        super().__init__(message)


def tell(unit: Unit, matches: Iterable[Match]) -> tuple[Twin, ...]:
    """Return what the principal of a unit may know of records, each once, the most alike first."""
    known: dict[tuple[str, str], Match] = {}
    for match in sorted(matches, key=lambda each: -each.score.total):
        known.setdefault((match.entity, match.id), match)
    found = list(known.values())
    owners = names_of(unit, {match.stored.values.get("owner") for match in found})
    model = unit.published.model
    twins = [_twin(unit, model, match, owners) for match in found]
    readable = [twin for twin in twins if twin.readable]
    # Two records of one owner that nobody may see are told as one: how many there are is theirs alone.
    return (*readable, *dict.fromkeys(twin for twin in twins if not twin.readable))


def _twin(unit: Unit, model: Model, match: Match, owners: Mapping[str, str]) -> Twin:
    stored, document = match.stored, match.document
    owner = owners.get(stored.values.get("owner") or "", "")
    if not stored.readable:
        return Twin(document.name, match.entity, None, "", None, (), owner if document.tell_owner else "", None)
    return Twin(
        document.name,
        match.entity,
        match.id,
        title_of(unit, match.entity, stored.values),
        match.score.total,
        reasons_of(model, document, match.score),
        owner,
        stored.values["updated_at"],
    )


def reasons_of(model: Model, document: Duplicates, scored: Score) -> tuple[Message, ...]:
    """Return in words what two records have in common."""
    rules = {rule.key: rule for rule in document.rules}
    found = []
    for reason in scored.reasons:
        if reason.rule not in rules:
            continue
        field = rule_text(model, document, rules[reason.rule])
        if reason.percent >= _FULL:
            found.append(Message("same {field}", field=field))
        else:
            found.append(Message("{field} {percent} % alike", field=field, percent=reason.percent))
    return tuple(found)


def title_of(unit: Unit, entity: str, values: Mapping[str, Any]) -> str:
    """Return the title of a record that the principal may read; empty when its title is hidden from them."""
    kind = unit.published.model.entity(entity)
    field = kind.fields[kind.title]
    if unit.access.mask(entity).get(field.key) not in {"read", "write"} or values.get(field.key) is None:
        return ""
    return field.type.display(values[field.key], field.options, Locale()) or ""


def names_of(unit: Unit, ids: Iterable[Any]) -> dict[str, str]:
    """Return the names of people."""
    wanted = [each for each in ids if each]
    if not wanted or "user" not in unit.published.model.entities:
        return {}
    shape = unit.shape("user")
    identity, name = shape.by_key["id"].name, shape.by_key[shape.entity.title].name
    text = f"SELECT {identity}, {name} FROM {shape.table} WHERE {unit.phrases.is_in(identity)}"  # noqa: S608 - names of the Model
    return {row[0]: str(row[1] or "") for row in unit.run(text, [unit.ids(wanted)]).fetchall()}
