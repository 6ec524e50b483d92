"""The screens, each a module with a blueprint of its own."""

from __future__ import annotations

from flask import Blueprint

from ui.pages import bulk, home, lists, search, settings, signing, trash


def blueprints() -> tuple[Blueprint, ...]:
    """Return the blueprints of every screen; fixed addresses first, those of any entity last."""
    return (signing.routes, settings.routes, home.routes, search.routes, trash.routes, bulk.routes, lists.routes)
