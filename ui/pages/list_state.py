"""A list as a form carries it: what stood in its address, read again, and turned into what a view keeps of it."""

from __future__ import annotations

from urllib.parse import parse_qsl

from flask import request
from werkzeug.datastructures import MultiDict

from engine import Expr, Path, Reader, Shown, conjunction, disjunction, parse, to_text
from ui.pages.listing import TABLE, Listing, listing
from ui.widgets.filters import Moment, meaning
from ui.widgets.operators import PERIODS, kind_of, operators
from ui.widgets.paths import fields_along

NOT_STATE = frozenset(("cursor", "rows", "count", "id", "before", "v"))
LONGEST = 20_000


def state_of(text: str) -> MultiDict[str, str]:
    """Return the parameters of a list from the text of an address, those of one page of it left out."""
    pairs = parse_qsl(text[:LONGEST].lstrip("?"), keep_blank_values=True)
    return MultiDict([each for each in pairs if each[0] not in NOT_STATE])


def carried(reader: Reader, entity: str) -> Listing:
    """Return the list that a request carries: in `state`, else in its own address.

    Raises:
        NotFound: there is no such entity or view for who reads.
    """
    if "state" in request.values:
        return listing(reader, entity, state_of(request.values["state"]))
    return listing(reader, entity, state_of(request.query_string.decode("utf-8", "replace")))


def shown_of(reader: Reader, asked: Listing) -> Shown:
    """Return what a view keeps of a list."""
    wanted, saved = asked.wanted, asked.wanted.saved
    base = saved.shown.base if saved is not None else wanted.view.key
    document = reader.model.views.get(base)
    where = document.where if document is not None else wanted.view.where
    chosen_columns = asked.arranged or (saved is not None and bool(saved.shown.columns))
    return Shown(
        base=base,
        where=to_text(where) if where is not None else "",
        words=wanted.words,
        filter=wanted.filter,
        chosen={name: tuple(values) for name, values in wanted.chosen.items()},
        order=wanted.order,
        group=wanted.group,
        display="" if wanted.display == TABLE else wanted.display,
        extra=dict(wanted.extra),
        totals=wanted.totals,
        columns=tuple((path, each.width) for path, each in wanted.view.columns.items()) if chosen_columns else (),
    )


def lasting(reader: Reader, asked: Listing) -> Expr | None:
    """Return the condition of a list's filters as a document keeps it: "this month" stays that, whatever the month.

    Raises:
        BadValue, ExpressionInvalid: a filter cannot be read.
    """
    wanted = asked.wanted
    moment = Moment(reader.access.env()["today"], reader.access.principal.timezone)
    parts = []
    for name, values in wanted.chosen.items():
        alternatives = [
            _dated(reader, wanted.entity.key, name, value) or meaning(asked.filters, {name: (value,)}, moment)
            for value in values
        ]
        parts.append(disjunction(*(each for each in alternatives if each is not None)))
    if wanted.filter:
        parts.append(parse(wanted.filter))
    return conjunction(*parts) if parts else None


def _dated(reader: Reader, entity: str, name: str, value: str) -> Expr | None:
    """Return the condition of a word for a period, None for any other value."""
    path = tuple(name.removeprefix("f.").split("."))
    fields = fields_along(reader.model, entity, path)
    known = operators(kind_of(fields[-1])) if fields else {}
    if "period" not in known:
        return None
    if value in PERIODS:
        return known["period"].make(Path(path), (value,))
    if value in {"past", "future"}:
        return known[value].make(Path(path), ())
    word, _, rest = value.partition("_")
    days = rest.removesuffix("_days")
    if word in {"last", "next"} and days.isdigit():
        return known[word].make(Path(path), (int(days),))
    return None
