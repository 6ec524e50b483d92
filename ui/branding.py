"""What a site is called, its logo and its colour: the `site` of guanxi.yaml, on every page and on the sign-in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort

from engine import SiteConfig
from ui.headers import FILE_POLICY

_A_YEAR = 31_536_000
_KINDS = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}


@dataclass(frozen=True, slots=True)
class Brand:
    """How a site presents itself."""

    names: tuple[tuple[str, str], ...] = ()
    """(language, name); none when the site has no name of its own."""
    accent: str = ""
    logo: str = ""
    """Address of the logo; "" for none."""
    image: bytes = field(default=b"", repr=False)
    kind: str = ""

    def name(self, language: str) -> str:
        """Return the name in a language, else in another; "" when there is none."""
        known = dict(self.names)
        return known.get(language) or next(iter(known.values()), "")


@lru_cache(maxsize=8)
def _made(name: Any, accent: str, file: Path | None) -> Brand:
    names = (("en", name),) if isinstance(name, str) and name else tuple(name or ())
    if file is None:
        return Brand(names, accent)
    image = file.read_bytes()
    mark = hashlib.sha256(image).hexdigest()[:12]
    return Brand(names, accent, f"/static/site/{mark}{file.suffix.lower()}", image, _KINDS[file.suffix.lower()])


def brand_of(config: SiteConfig) -> Brand:
    """Return what guanxi.yaml says, read once; a file that went away since is as if there was none."""
    said = config.site
    name = said.get("name", "")
    file = config.folder / said["logo"] if said.get("logo") else None
    try:
        return _made(name if isinstance(name, str) else tuple(name.items()), said.get("accent", ""), file)
    except OSError:
        return _made(name if isinstance(name, str) else tuple(name.items()), said.get("accent", ""), None)


def serve(app: Flask, config: SiteConfig) -> None:
    """Serve the logo, also to who has not signed in: the sign-in shows it."""

    @app.get("/static/site/<name>")
    def logo(name: str) -> Response:
        brand = brand_of(config)
        if not brand.logo or brand.logo.rpartition("/")[2] != name:
            abort(404)
        response = Response(brand.image, mimetype=brand.kind)
        response.headers["Cache-Control"] = f"public, max-age={_A_YEAR}, immutable"
        # An SVG is a document that could hold a script: opened by itself it can do nothing.
        response.headers["Content-Security-Policy"] = FILE_POLICY
        return response
