"""The question before a record goes that others hang on: how many go with it, and how many lose their link."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from engine import AccessDenied, Entity, Hanging, Message, Model, Reader, hanging, incoming
from ui.asking import reading, site
from ui.frame import page, said, within
from ui.pages.editing import said_title
from ui.pages.listing import entity_of, locale_of
from ui.safe import own_path

routes = Blueprint("deleting", __name__)


@routes.get("/<entity>/<uuid:record_id>/delete")
def ask(entity: str, record_id: Any) -> str:
    """Say what would follow, before anything does."""
    with reading() as reader:
        shown = entity_of(reader, entity)
        row = reader.record(entity, str(record_id), (shown.title,), ("delete",))
        if not row.may("delete"):
            raise AccessDenied(Message("You may not delete this"), entity=entity, action="delete")
        return page(
            "delete.html",
            reader,
            entity=shown,
            record_id=row.id,
            title=said_title(row.values(), shown, locale_of(reader)),
            lines=lines(reader, shown, [row.id]),
            days=site().config.limits.trash_days,
            back=own_path(request.args.get("back", ""), f"/{entity}"),
        )


def lines(reader: Reader, entity: Entity, ids: list[str], *, for_good: bool = False) -> list[tuple[str, str]]:
    """Return (effect, sentence) for each kind of records that would change too."""
    return [(each.effect, _sentence(each)) for each in hanging(reader, entity.key, ids, for_good=for_good)]


def _sentence(found: Hanging) -> str:
    one = found.count.number == 1
    name = within(found.entity.label if one else found.entity.plural)
    values = {"count": str(found.count), "name": name, "field": said(found.field.label)}
    if found.effect == "goes":
        told = Message("{count} {name} goes too", **values) if one else Message("{count} {name} go too", **values)
    elif found.effect == "keeps":
        told = (
            Message("{count} {name} leads to it by “{field}” and has to be changed or deleted first", **values)
            if one
            else Message("{count} {name} lead to it by “{field}” and have to be changed or deleted first", **values)
        )
    else:
        told = (
            Message("{count} {name} loses what “{field}” leads to", **values)
            if one
            else Message("{count} {name} lose what “{field}” leads to", **values)
        )
    return said(told)


def has_consequences(model: Model, entity: str) -> bool:
    """Say whether other records may go too, or forbid it, when one of these is deleted; worked out once per Model."""

    def found() -> bool:
        links = incoming(model, entity)
        return any(each.on_delete in {"cascade", "restrict"} for each in links)

    return model.derive(("has consequences", entity), found)
