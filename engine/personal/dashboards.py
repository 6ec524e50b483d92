"""How a person has arranged a dashboard: order, sizes, what is hidden, and cards of their own.

An arrangement holds keys and sizes alone. It names no right: a card that its document loses, or that the person may no
longer see, is left out when the page is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import orjson
from sqlalchemy import Connection

from engine import clock
from engine.audit.statements import Statements
from engine.data.principal import Principal
from engine.errors import AccessDenied, FieldProblem, RecordInvalid
from engine.i18n import Message
from engine.storage.database import Database

MOST_CARDS = 60
"""Cards of one arrangement, and cards that somebody adds."""
WIDTHS, HEIGHTS = range(2, 13), range(1, 13)
_LONGEST_NAME = 200
Added = Literal["view", "report"]


@dataclass(frozen=True, slots=True)
class Layout:
    """One arrangement; what it does not speak of stands as the document has it."""

    order: tuple[str, ...] = ()
    """Keys of cards; those that are not named come behind, as their document has them."""
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Key -> (width in twelfths, height in rows)."""
    hidden: frozenset[str] = frozenset()
    added: Mapping[str, tuple[Added, str]] = field(default_factory=dict)
    """Key -> what the card shows: a view or a report, by its name."""

    @property
    def empty(self) -> bool:
        """Whether the page stands as its document has it."""
        return not (self.order or self.sizes or self.hidden or self.added)

    def ordered(self, keys: list[str]) -> list[str]:
        """Return the keys of cards in the order of the arrangement."""
        known = [key for key in self.order if key in keys]
        return [*known, *(key for key in keys if key not in known)]

    def moved(self, keys: list[str], key: str, steps: int) -> Layout:
        """Return the arrangement with one of the shown cards some places further back, or forward if negative."""
        order = [each for each in keys if each != key]
        place = min(max(keys.index(key) + steps, 0), len(order)) if key in keys else len(order)
        order.insert(place, key)
        return replace(self, order=tuple(order))

    def sized(self, key: str, width: int, height: int) -> Layout:
        """Return the arrangement with a card of another size, within what fits a page."""
        size = (min(max(width, WIDTHS[0]), WIDTHS[-1]), min(max(height, HEIGHTS[0]), HEIGHTS[-1]))
        return replace(self, sizes={**self.sizes, key: size})

    def without(self, key: str) -> Layout:
        """Return the arrangement without a card: one of the person's own is gone, another one is hidden."""
        if key in self.added:
            added = {each: what for each, what in self.added.items() if each != key}
            sizes = {each: size for each, size in self.sizes.items() if each != key}
            return replace(self, added=added, sizes=sizes, order=tuple(each for each in self.order if each != key))
        return replace(self, hidden=self.hidden | {key})

    def showing(self, key: str) -> Layout:
        """Return the arrangement with a hidden card back."""
        return replace(self, hidden=self.hidden - {key})

    def adding(self, kind: Added, name: str) -> Layout:
        """Return the arrangement with a card of a view or a report at its end."""
        number = 1
        while f"own_{number}" in self.added:
            number += 1
        return replace(self, added={**self.added, f"own_{number}": (kind, name)})


class Arrangements:
    """The arrangements of everybody on one site. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._run = Statements(database).run

    def of(self, connection: Connection, principal: Principal, dashboard: str) -> Layout:
        """Return how somebody has arranged a dashboard; an empty arrangement when they have not.

        `connection` is a transaction that is open already.
        """
        if principal.id is None:
            return Layout()
        text = "SELECT layout FROM person_dashboard WHERE user_id = ? AND dashboard = ?"
        row = self._run(connection, text, principal.id, dashboard).fetchone()
        return Layout() if row is None else _layout(orjson.loads(row[0]))

    def keep(self, principal: Principal, dashboard: str, layout: Layout) -> None:
        """Keep an arrangement; an empty one lets the page stand as its document has it.

        Raises:
            AccessDenied: it is nobody's own, or who asks only looks as somebody else.
            RecordInvalid: it has too many cards.
        """
        principal.require_own_hands()
        if principal.id is None:
            raise AccessDenied(Message("Only a person can arrange a dashboard"))
        most = max(len(layout.order), len(layout.sizes), len(layout.hidden), len(layout.added))
        if most > MOST_CARDS or any(len(key) > _LONGEST_NAME for key in (*layout.order, *layout.sizes)):
            message = Message("A dashboard has at most {most} cards", most=MOST_CARDS)
            raise RecordInvalid([FieldProblem("", message, "too_large")])
        with self._database.write() as connection:
            if layout.empty:
                text = "DELETE FROM person_dashboard WHERE user_id = ? AND dashboard = ?"
                self._run(connection, text, principal.id, dashboard)
                return
            self._run(
                connection,
                "INSERT INTO person_dashboard (user_id, dashboard, layout, changed_at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (user_id, dashboard) DO UPDATE SET layout = excluded.layout,"
                " changed_at = excluded.changed_at",
                principal.id,
                dashboard,
                orjson.dumps(_body(layout)).decode(),
                clock.now(),
            )


def _body(layout: Layout) -> dict[str, Any]:
    return {
        "order": list(layout.order),
        "sizes": {key: list(size) for key, size in layout.sizes.items()},
        "hidden": sorted(layout.hidden),
        "added": {key: list(what) for key, what in layout.added.items()},
    }


def _layout(body: Mapping[str, Any]) -> Layout:
    return Layout(
        order=tuple(body.get("order") or ()),
        sizes={key: (size[0], size[1]) for key, size in (body.get("sizes") or {}).items()},
        hidden=frozenset(body.get("hidden") or ()),
        added={key: (what[0], what[1]) for key, what in (body.get("added") or {}).items()},
    )
