"""The screens, each a module with a blueprint of its own."""

from __future__ import annotations

from flask import Blueprint

from ui.pages import (
    bulk,
    files,
    forms,
    handover,
    health,
    history,
    home,
    lists,
    lookups,
    moves,
    outbound,
    records,
    revealing,
    search,
    settings,
    signing,
    trash,
    why,
)


def blueprints() -> tuple[Blueprint, ...]:
    """Return the blueprints of every screen; fixed addresses first, those of any entity last."""
    return (
        signing.routes,
        settings.routes,
        health.routes,
        outbound.routes,
        home.routes,
        search.routes,
        files.routes,
        handover.routes,
        trash.routes,
        bulk.routes,
        forms.routes,
        lookups.routes,
        moves.routes,
        history.routes,
        why.routes,
        revealing.routes,
        records.routes,
        lists.routes,
    )
