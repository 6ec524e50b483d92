"""The screens, each a module with a blueprint of its own."""

from __future__ import annotations

from flask import Blueprint

from ui.pages import settings


def blueprints() -> tuple[Blueprint, ...]:
    """Return the blueprints of every screen; fixed addresses first, those of any entity last."""
    return (settings.routes,)
