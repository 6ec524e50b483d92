"""`type: image`: one picture."""

from __future__ import annotations

from engine.fields.base import Options, register
from engine.fields.file import File

IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""Kinds that every browser shows and that hold no script, as SVG may."""


@register
class Image(File):
    """The id of an uploaded picture."""

    name = "image"

    def accept(self, options: Options) -> tuple[str, ...]:
        return super().accept(options) or IMAGES
