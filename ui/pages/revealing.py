"""The plain value of a masked field, shown once to who asked for it. The look is noted; no cache keeps the answer."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from markupsafe import Markup

from engine import Entity, Field, Reader
from ui.asking import principal, reading, site
from ui.frame import is_fragment, page
from ui.pages.editing import said_title
from ui.pages.listing import entity_of, locale_of
from ui.widgets.facts import only_value

routes = Blueprint("revealing", __name__)


@routes.post("/<entity>/<uuid:record_id>/reveal/<field>")
def reveal(entity: str, record_id: Any, field: str) -> str:
    """Show one masked value. It answers the POST itself: an address that shows it would show it again."""
    with reading() as reader:
        entity_of(reader, entity)
    plain = site().records.reveal(
        principal(), entity, str(record_id), field, reason=request.form.get("reason", ""), via="web"
    )
    with reading() as reader:
        shown = entity_of(reader, entity)
        value = _words(reader, shown, shown.fields[field], plain)
        if is_fragment():
            return render_template("_revealed.html", value=value)
        row = reader.record(entity, str(record_id), (shown.title,))
        return page(
            "revealed.html",
            reader,
            entity=shown,
            home=f"/{entity}/{record_id}",
            title=said_title(row.values(), shown, locale_of(reader)),
            field=shown.fields[field],
            value=value,
        )


def _words(reader: Reader, entity: Entity, field: Field, plain: Any) -> Markup | str:
    """Return a value as the page of a record shows one that nothing masks."""
    if plain is None:
        return ""
    if isinstance(plain, str) and (field.secret or field.type.name == "secret"):
        return plain
    shown = only_value(reader, field, locale_of(reader), masked=False)
    values: dict[str, Any] = {field.key: plain}
    if field.type.links == "one" and field.target is not None:
        # The title of what a link leads to comes with a record; here it is asked for by itself.
        title = reader.titles(field.target, [plain]).get(plain)
        values.update({path: title for path in shown.paths if path != field.key})
    return shown.html(reader, {path: values.get(path) for path in shown.paths})
