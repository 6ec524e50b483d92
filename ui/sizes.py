"""How much a request may send: files as guanxi.yaml says, anything that is typed or written by a program far less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, request

MOST_PARTS = 50_000
"""Values that a posted form may have: one has three for each input, and a record may have a thousand child rows."""
MOST_TYPED = 8 * 2**20
"""Bytes that a body may have without its files."""
DEEPEST = 64
"""Levels that JSON may have within each other."""


View = TypeVar("View", bound=Callable[..., Any])


def takes_imports(view: View) -> View:
    """Let a view take files that are imported, which may be larger than those that records keep."""
    view.takes_imports = True  # type: ignore[attr-defined]
    return view


def limit(app: Flask, upload_megabytes: int, import_megabytes: int) -> None:
    """Set the limits of an application."""
    with_files = upload_megabytes * 2**20 + MOST_TYPED
    app.config["MAX_FORM_PARTS"] = MOST_PARTS
    app.config["MAX_FORM_MEMORY_SIZE"] = MOST_TYPED
    app.config["MAX_CONTENT_LENGTH"] = with_files

    @app.before_request
    def _measure() -> None:
        if request.mimetype != "multipart/form-data":
            request.max_content_length = MOST_TYPED
        elif hasattr(app.view_functions.get(request.endpoint or ""), "takes_imports"):
            request.max_content_length = import_megabytes * 2**20 + MOST_TYPED


def is_too_deep(value: object) -> bool:
    """Say whether a JSON value has more levels than anything sensible."""
    level: list[object] = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, (dict, list))
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True
