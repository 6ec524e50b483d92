"""The displays of lists that are no tables: board, calendar, timeline, tree, list beside record, distances.

Each module registers one display (ui/pages/displays.py) and has what belongs to it: drawing, further addresses, moves.
"""

from __future__ import annotations

from flask import Blueprint

from ui.pages.boards import calendar, ics, kanban, nearby, split, timeline, tree, when

__all__ = ["blueprints", "calendar", "nearby", "split", "timeline"]


def blueprints() -> tuple[Blueprint, ...]:
    """Return the blueprints of the displays."""
    return (kanban.routes, when.routes, ics.routes, tree.routes)
