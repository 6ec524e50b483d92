"""`type: signature`: a name written by hand on the screen."""

from __future__ import annotations

from engine.fields.base import Options, register
from engine.fields.file import SIZE_SCHEMA, File


@register
class Signature(File):
    """The id of an uploaded PNG picture of the signature."""

    name = "signature"
    properties = {"max_size": dict(SIZE_SCHEMA, default="1 MB")}

    def accept(self, options: Options) -> tuple[str, ...]:
        return ("image/png",)

    def max_bytes(self, options: Options) -> int:
        return super().max_bytes({"max_size": "1 MB", **options})
