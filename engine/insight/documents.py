"""Dashboards and reports as documents describe them, worked out once per Model, and who is offered which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from engine.data.access import Access
from engine.data.query import Bucket
from engine.errors import ExpressionInvalid, QueryInvalid
from engine.i18n import Text, humanise
from engine.insight.question import Question, buckets, question_of
from engine.metadata.model import Model
from engine.metadata.ordering import ordered
from engine.metadata.translations import Labels, labels_of

Compare = Literal["", "previous", "year"]
Kind = Literal["numbers", "view", "report", "text", "recent"]
USUAL_WIDTH, USUAL_HEIGHT = 4, 4


@dataclass(frozen=True, slots=True)
class Target:
    """What a number should come to: a fixed value, or a sum over records that say so."""

    value: Decimal | None = None
    question: Question | None = None
    date: str = ""
    """Path of the date that the period of the page narrows the records by."""
    person: str = ""
    """Path of the person whose target it is."""


@dataclass(frozen=True, slots=True)
class Card:
    """One card of a dashboard."""

    key: str
    kind: Kind
    title: Text
    question: Question | None = None
    view: str = ""
    report: str = ""
    text: Text | None = None
    chart: str = "number"
    stacked: bool = False
    date: str = ""
    """Path of the date that the period of the page is about; "" = the period does not touch the card."""
    person: str = ""
    """Path of the person that the choice of whose records is about; "" = it does not touch the card."""
    compare: Compare = ""
    trend: Bucket | None = None
    """Part of a date by which a number draws its small line."""
    target: Target | None = None
    width: int = USUAL_WIDTH
    """In twelfths of the page."""
    height: int = USUAL_HEIGHT
    """In rows of the page's grid."""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of cards."""

    key: str
    title: Text
    cards: Mapping[str, Card]
    roles: tuple[str, ...] = ()
    home: bool = False
    """Whether it is the first page of those who are offered it."""
    period: str = ""
    """Period that the page begins with; "" = any time."""
    whose: str = "all"
    """Whose records the page begins with: me, team or all."""
    hidden: bool = False
    help: Text | None = None


@dataclass(frozen=True, slots=True)
class ReportDoc:
    """A report."""

    key: str
    title: Text
    question: Question
    help: Text | None = None
    filters: tuple[str, ...] = ()
    chart: str = "table"
    stacked: bool = False
    roles: tuple[str, ...] = ()
    hidden: bool = False
    body: Mapping[str, Any] | None = None
    """The plain values of its document."""


def all_dashboards(model: Model) -> Mapping[str, Dashboard]:
    """Return every dashboard by its name, in the order of the documents."""
    return model.derive("dashboards", lambda: dict(_dashboards(model)))


def all_reports(model: Model) -> Mapping[str, ReportDoc]:
    """Return every report by its name, in the order of the documents."""
    return model.derive("reports", lambda: dict(_reports(model)))


def is_offered(access: Access, thing: Dashboard | ReportDoc | Card) -> bool:
    """Say whether somebody is offered a dashboard, a report or a card; rows and masks say what they see in it."""
    who = access.principal
    if who.system or not thing.roles:
        return True
    return bool(who.roles & set(thing.roles))


def dashboards_for(access: Access) -> list[Dashboard]:
    """Return the dashboards that somebody is offered, with a card that they could read."""
    found = all_dashboards(access.model).values()
    return [each for each in found if not each.hidden and is_offered(access, each) and any(cards_for(access, each))]


def reports_for(access: Access) -> list[ReportDoc]:
    """Return the reports that somebody is offered and whose records they may read."""
    found = all_reports(access.model).values()
    return [
        each
        for each in found
        if not each.hidden and is_offered(access, each) and access.may(each.question.entity, "read")
    ]


def cards_for(access: Access, board: Dashboard) -> Iterator[Card]:
    """Yield the cards of a dashboard that somebody is offered and could read."""
    for card in board.cards.values():
        if is_offered(access, card) and readable_card(access, card):
            yield card


def readable_card(access: Access, card: Card) -> bool:
    """Say whether some row of what a card shows could be in somebody's reach."""
    model = access.model
    if card.kind == "view":
        view = model.views.get(card.view)
        return view is not None and access.may(view.entity, "read")
    if card.kind == "report":
        report = all_reports(model).get(card.report)
        return report is not None and is_offered(access, report) and access.may(report.question.entity, "read")
    return card.question is None or access.may(card.question.entity, "read")


def card_of(
    model: Model, key: str, body: Mapping[str, Any], labels: Mapping[str, Mapping[str, str]] | None = None
) -> Card:
    """Return a card from its plain values.

    Raises:
        QueryInvalid, ExpressionInvalid: it says something that cannot be read.
    """
    title = _text(body.get("title"), (labels or {}).get("title"), "")
    entity = model.entities.get(str(body.get("entity") or ""))
    question, kind = None, _kind(body)
    if entity is not None:
        question = question_of(body if body.get("measures") else {**body, "measures": {"count": {"count": True}}})
        if not title:
            title = entity.plural
    if not title and kind == "view" and body["view"] in model.views:
        title = model.views[body["view"]].title
    if not title and kind == "report" and body["report"] in all_reports(model):
        title = all_reports(model)[body["report"]].title
    owner = "owner" if entity is not None and entity.owned else ""
    trend = buckets(body.get("trend"))
    return Card(
        key=key,
        kind=kind,
        title=title or Text(humanise(key)),
        question=question,
        view=str(body.get("view") or ""),
        report=str(body.get("report") or ""),
        text=_text(body["text"], (labels or {}).get("text"), "") if "text" in body else None,
        chart=str(body.get("chart") or _usual_chart(question)),
        stacked=bool(body.get("stacked")),
        date=str(body.get("date") or ""),
        person=str(body.get("person", owner) or ""),
        compare=body.get("compare") or "",
        trend=trend[0] if trend else None,
        target=_target(body.get("target")),
        width=int(body.get("width") or USUAL_WIDTH),
        height=int(body.get("height") or USUAL_HEIGHT),
        roles=_names(body.get("roles")),
    )


def report_of(
    model: Model, key: str, body: Mapping[str, Any], labels: Mapping[str, Mapping[str, str]] | None = None
) -> ReportDoc:
    """Return a report from its plain values.

    Raises:
        QueryInvalid, ExpressionInvalid: it says something that cannot be read.
    """
    question = question_of(body)
    return ReportDoc(
        key=key,
        title=_text(body.get("title"), (labels or {}).get("title"), humanise(key.rpartition(".")[2])),
        question=question,
        help=_text(body["help"], (labels or {}).get("help"), "") if body.get("help") else None,
        filters=tuple(map(str, body.get("filters") or ())),
        chart=str(body.get("chart") or "table"),
        stacked=bool(body.get("stacked")),
        roles=_names(body.get("roles")),
        hidden=bool(body.get("hidden")),
        body=body,
    )


def _kind(body: Mapping[str, Any]) -> Kind:
    if "text" in body:
        return "text"
    if "view" in body:
        return "view"
    return "report" if "report" in body else "recent" if body.get("recent") else "numbers"


def _usual_chart(question: Question | None) -> str:
    if question is None or not question.groups:
        return "number"
    return "line" if question.groups[0].unit not in {"", "weekday"} else "bar"


def _target(body: Mapping[str, Any] | None) -> Target | None:
    if not body:
        return None
    if "value" in body:
        try:
            return Target(value=Decimal(str(body["value"])))
        except InvalidOperation:
            return None
    question = question_of({**body, "measures": {"target": {"sum": body.get("sum")}}})
    return Target(question=question, date=str(body.get("date") or ""), person=str(body.get("person") or ""))


def _dashboards(model: Model) -> Iterator[tuple[str, Dashboard]]:
    labels = model.derive("labels of documents", lambda: labels_of(model.documents))
    for doc, body in _documents(model, "dashboard"):
        name = doc.partition("/")[2]
        given = body.get("cards") or {}
        cards: dict[str, Card] = {}
        for key in ordered(given, lambda _key, _anchor: None):
            if given[key].get("hidden"):
                continue
            # What cannot be read was said when it was published; the others are shown all the same.
            with suppress(QueryInvalid, ExpressionInvalid):
                cards[key] = card_of(model, key, given[key], _labels(labels, f"{doc}#/cards/{key}/"))
        own = _labels(labels, f"{doc}#/")
        yield (
            name,
            Dashboard(
                key=name,
                title=_text(body.get("title"), own.get("title"), humanise(name.rpartition(".")[2])),
                cards=cards,
                roles=_names(body.get("roles")),
                home=bool(body.get("home")),
                period=str(body.get("period") or ""),
                whose=str(body.get("whose") or "all"),
                hidden=bool(body.get("hidden")),
                help=_text(body["help"], own.get("help"), "") if body.get("help") else None,
            ),
        )


def _reports(model: Model) -> Iterator[tuple[str, ReportDoc]]:
    labels = model.derive("labels of documents", lambda: labels_of(model.documents))
    for doc, body in _documents(model, "report"):
        if body.get("entity") in model.entities:
            name = doc.partition("/")[2]
            with suppress(QueryInvalid, ExpressionInvalid):
                yield name, report_of(model, name, body, _labels(labels, f"{doc}#/"))


def _documents(model: Model, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((doc, body) for doc, body in model.documents.items() if doc.startswith(f"{kind}/"))


def _labels(labels: Labels, prefix: str) -> Mapping[str, Mapping[str, str]]:
    return {path.removeprefix(prefix): words for path, words in labels.items() if path.startswith(prefix)}


def _text(words: Any, more: Mapping[str, str] | None, fallback: str) -> Text:
    own = {"": words} if isinstance(words, str) else dict(words or {})
    return Text({**(more or {}), **own}, fallback)


def _names(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())
