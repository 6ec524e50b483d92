"""The built files that pages load: style, script, icons. Their names carry a hash, so browsers keep them for ever."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from flask import Flask, Response, abort, request, send_from_directory

FOLDER = Path(__file__).parent / "static" / "dist"
_A_YEAR = 31_536_000
_WAYS = (("br", ".br"), ("gzip", ".gz"))
"""How files are packed, the smallest first, and how the packed ones end."""


@cache
def _manifest() -> dict[str, str]:
    """Return built names by plain name; empty where the files were left out of an installation on purpose."""
    path = FOLDER / "manifest.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


@cache
def icons() -> frozenset[str]:
    """Return the names of the icons that pages may show."""
    path = FOLDER / "icons.json"
    return frozenset(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else frozenset()


def address(name: str) -> str:
    """Return the address of a built file by its plain name: `style.css`."""
    return f"/static/{_manifest().get(name, name)}"


def serve(app: Flask) -> None:
    """Serve the files, compressed where the browser takes that."""

    @app.get("/static/<path:name>")
    def static(name: str) -> Response:
        if not _manifest():
            abort(404)
        for way, ending in _WAYS:
            if _takes(way) and (FOLDER / f"{name}{ending}").is_file():
                response = send_from_directory(FOLDER, f"{name}{ending}", mimetype=_kind(name), max_age=_A_YEAR)
                response.headers["Content-Encoding"] = way
                break
        else:
            response = send_from_directory(FOLDER, name, max_age=_A_YEAR)
        response.headers["Cache-Control"] = f"public, max-age={_A_YEAR}, immutable"
        response.headers["Vary"] = "Accept-Encoding"
        return response


def _takes(way: str) -> bool:
    """Say whether the browser takes files that are packed in a way; one that it names with `q=0` it does not."""
    return request.accept_encodings.quality(way) > 0


def _kind(name: str) -> str:
    kinds = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    return kinds.get(Path(name).suffix, "application/octet-stream")
