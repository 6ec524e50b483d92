"""A form that cannot be taken just now, or whose sign-in has ended: nothing typed is lost, it is sent again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import current_app, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from engine import GuanxiError, SignInNeeded
from ui.asking import site
from ui.frame import said

View = TypeVar("View", bound=Callable[..., Any])

UNAUTHORISED = 401


@dataclass(frozen=True)
class Typed:
    """What somebody typed into a form."""

    action: str
    """Where the form goes."""
    pairs: list[tuple[str, str]]
    """Names and values of its inputs."""
    lost: list[str]
    """What has to be given again: passwords and files."""


def kept_without_sign_in(view: View) -> View:
    """Let a page that takes a form hand it back, with all that was typed, to whom is no longer signed in."""

    @wraps(view)
    def kept(**values: Any) -> Any:
        try:
            return view(**values)
        except SignInNeeded:
            form = _typed(str(values.get("entity", "")))
            return make_response(render_template("signed_out.html", form=form), UNAUTHORISED)

    kept.hands_back = True  # type: ignore[attr-defined]
    return kept  # type: ignore[return-value]


def typed() -> Typed | None:
    """Return what was typed into the form that could not be taken; None where the page keeps it, or has none."""
    view = current_app.view_functions.get(request.endpoint or "")
    if request.method == "POST" and getattr(view, "hands_back", False) and "HX-Request" not in request.headers:
        with suppress(GuanxiError, HTTPException):
            return _typed(str((request.view_args or {}).get("entity", "")))
    return None


def _typed(entity: str) -> Typed:
    secrets = _secrets(entity)
    pairs = [
        (name, value)
        for name, values in request.form.lists()
        for value in values
        if name != "_token" and not any(part in secrets for part in name.split("-"))
    ]
    lost = [label for key, label in secrets.items() if request.form.get(key)]
    lost += [each.filename for sent in request.files.listvalues() for each in sent if each.filename]
    return Typed(request.path, pairs, lost)


def _secrets(entity: str) -> dict[str, str]:
    """Return the labels of all secret fields of an entity and of its child rows, by key."""
    # Where the database does not answer, what this process knows says it as well.
    published = site().publisher.models.latest() or site().published
    entities = published.model.entities
    known = entities.get(entity)
    if known is None:
        return {}
    tables = [each.target for each in known.fields.values() if each.type.links == "children"]
    children = [entities[each] for each in tables if each is not None]
    return {
        each.key: said(each.label)
        for one in (known, *children)
        for each in one.fields.values()
        if each.secret or each.type.name == "secret"
    }
