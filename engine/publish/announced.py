"""What a publication takes away from programs without having said so: objects and fields that were not deprecated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from engine.errors import Problem
from engine.i18n import Message
from engine.metadata.model import Deprecation, Model


def unannounced(running: Model | None, model: Model, today: dt.date) -> Iterator[Problem]:
    """Yield a warning for each object or field that is gone although programs were not told, or not for as long.

    What has another key from now on is not told: the plan says so, and `guanxi openapi --against` what it breaks.
    """
    if running is None:
        return
    former = {each.renamed_from for each in model.entities.values()}
    for key, entity in running.entities.items():
        there = model.entities.get(key)
        if there is None:
            if key not in former:
                yield from _early(key, entity.deprecated, today)
            continue
        renamed = {each.renamed_from for each in there.fields.values()}
        for field in entity.fields.values():
            if field.system or field.blind_of or field.key in there.fields or field.key in renamed:
                continue
            if field.key != entity.parent_field:
                yield from _early(f"{key}.{field.key}", field.deprecated or entity.deprecated, today)


def _early(name: str, said: Deprecation | None, today: dt.date) -> Iterator[Problem]:
    if said is None:
        yield Problem(
            Message("{name} goes without having been deprecated: programs that use it are not warned", name=name),
            code="unannounced",
            advice=Message("say `deprecated` there first, and take it away when nobody names it any more"),
            severity="warning",
        )
    elif said.until is not None and today < said.until:
        yield Problem(
            Message("{name} goes before {until}, until when programs were promised it", name=name, until=said.until),
            code="unannounced",
            severity="warning",
        )
