"""Reports and dashboards as a channel of the leak tests: groups and numbers over any field, as anybody may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from flask import Flask, g

from engine import Asking, Channel, Message, Words, all_dashboards, all_reports, register_channel
from ui.app import create_app

_FEW = 3
_BROKEN = 500


def register() -> None:
    """Let the leak tests try reports, cards of dashboards, and reports that people put together themselves."""
    register_channel(Channel("reports", Message("reports and dashboards"), _ask, slow=True))


def _ask(asking: Asking) -> Iterator[Any]:
    app = asking.notes.get("app")
    if app is None:
        app = asking.notes["app"] = create_app(asking.site)
        app.testing = False
    for address in dict.fromkeys(_addresses(asking)):
        yield _page(app, asking, address)


def _page(app: Flask, asking: Asking, address: str) -> Words:
    with app.app_context():
        g.principal = asking.person
        response = app.test_client().get(address, headers={"Accept-Language": "en"}, buffered=True)
        data = response.get_data()
        response.close()
    error = f"{response.status_code} {address}" if response.status_code >= _BROKEN else ""
    return Words(data, "reports", asking.entity.key, frozenset(), error=error)


def _addresses(asking: Asking) -> Iterator[str]:
    """Yield addresses about one entity: what documents ask, and questions over fields that are open and closed."""
    key, dice, model = asking.entity.key, asking.dice, asking.reader.model
    for name, report in all_reports(model).items():
        if report.question.entity == key:
            yield f"/report/{name}"
    for name, board in all_dashboards(model).items():
        if any(card.question is not None and card.question.entity == key for card in board.cards.values()):
            yield f"/dashboard/{name}?whole=1"
    fields = [each for each in asking.entity.fields.values() if each.type.links != "children"]
    closed = [each for each in fields if asking.oracle.mask(key, each.key) != "read"]
    for field in (*dice.sample(fields, min(len(fields), _FEW)), *dice.sample(closed, min(len(closed), _FEW))):
        asked = {"entity": key, "own": "1"}
        numbers = [f"max({field.key})", f"min({field.key})", f"count_distinct({field.key})"]
        yield f"/report/new?{urlencode({**asked, 'by': field.key, 'show': 'count()'})}"
        yield f"/report/new?{urlencode({**asked, 'show': dice.choice(numbers)})}"
        yield f"/report/new?{urlencode({**asked, 'column': field.key, 'sort': field.key})}"
        if asking.whole:
            yield f"/report/new/export.csv?{urlencode({**asked, 'by': field.key, 'show': 'count()'})}"
