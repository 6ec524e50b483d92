"""What rows of a list may stand together by."""

from __future__ import annotations

from engine import Access, Bucket, Field, QueryInvalid
from ui.widgets.paths import fields_along, mask_of

_KINDS = frozenset(("text", "number", "boolean", "date", "link"))
_DATED = frozenset(("date", "datetime"))


def bucket_of(access: Access, entity: str, text: str) -> Bucket | None:
    """Return what a parameter groups by; None when it says nothing, or names what cannot be grouped by."""
    if not text:
        return None
    try:
        bucket = Bucket.parse(text)
    except QueryInvalid:
        return None
    fields = fields_along(access.model, entity, bucket.path.split("."))
    if not fields or mask_of(access, fields) != "read" or not _fits(fields[-1], bucket.unit):
        return None
    return bucket


def _fits(field: Field, unit: str) -> bool:
    if field.secret or field.type.links in {"many", "children", "any"} or field.type.name in {"longtext", "richtext"}:
        return False
    return str(field.value_type) in (_DATED if unit else _KINDS)
