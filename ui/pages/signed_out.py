"""A form that is sent after its sign-in has ended: nothing typed is lost, it is sent again after signing in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import make_response, render_template, request

from engine import SignInNeeded
from ui.asking import site
from ui.frame import said

View = TypeVar("View", bound=Callable[..., Any])

UNAUTHORISED = 401


def kept_without_sign_in(view: View) -> View:
    """Let a page that takes a form hand it back, with all that was typed, to whom is no longer signed in."""

    @wraps(view)
    def kept(**values: Any) -> Any:
        try:
            return view(**values)
        except SignInNeeded:
            return _handed_back(str(values.get("entity", "")))

    return kept  # type: ignore[return-value]


def _handed_back(entity: str) -> Any:
    """Return the page that sends the same form again; passwords and files have to be given anew."""
    secrets = _secrets(entity)
    pairs = [
        (name, value)
        for name, values in request.form.lists()
        for value in values
        if name != "_token" and not any(part in secrets for part in name.split("-"))
    ]
    lost = [label for key, label in secrets.items() if request.form.get(key)]
    lost += [each.filename for sent in request.files.listvalues() for each in sent if each.filename]
    body = render_template("signed_out.html", action=request.path, pairs=pairs, lost=lost)
    return make_response(body, UNAUTHORISED)


def _secrets(entity: str) -> dict[str, str]:
    """Return the labels of all secret fields of an entity and of its child rows, by key."""
    entities = site().published.model.entities
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
