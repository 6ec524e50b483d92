"""Codes for devices: drawn for a camera, and spaced for who types them."""

from __future__ import annotations

from markupsafe import Markup

_GROUP = 4


def drawn(text: str) -> Markup:
    """Return a text as a QR code, an SVG inside the page: dark on light in either theme, for cameras want it so."""
    import segno

    made = segno.make(text, error="m", micro=False)
    svg = made.svg_inline(scale=4, border=3, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
    return Markup(svg)  # noqa: S704 - made of squares


def spaced(text: str) -> str:
    """Return a code in groups that the eye can hold."""
    return " ".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))
