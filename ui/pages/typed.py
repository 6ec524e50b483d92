"""What somebody typed into a form that is shown again: posted just now, or kept earlier and gone on with."""

from __future__ import annotations

from flask import g, request

from ui.widgets.inputs import Posted


def go_on_with(values: Posted) -> None:
    """Let this request show a form as it was kept."""
    g.typed = values


def is_again() -> bool:
    """Say whether the form of this request was filled in before."""
    return request.method == "POST" or g.get("typed") is not None


def as_typed() -> Posted:
    """Return what was typed, by name of input; what the address says is no part of it."""
    kept: Posted | None = g.get("typed")
    return request.form if kept is None else kept
