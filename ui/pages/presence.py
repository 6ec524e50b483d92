"""Who else has a record open, and whether somebody saved it meanwhile: asked for by an open page now and then."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from ui.asking import reading, site
from ui.pages.listing import entity_of

MOST = 4
"""People who are named; of more only the number is told."""

routes = Blueprint("presence", __name__)


@routes.post("/<entity>/<uuid:record_id>/present")
def present(entity: str, record_id: Any) -> Response | str:
    """Note that somebody has a record open, and answer who else has, when that is news to the page."""
    id_, notices = str(record_id), site().notices
    with reading() as reader:
        known, who = entity_of(reader, entity), reader.principal
        reader.read_as = "present"
        row = reader.record(entity, id_, (known.title, "updated_by.name"))
        people: list[str] = []
        due = False
        if who.id is not None:
            ids, due = notices.presence.others(reader.connection, entity, id_, who.id)
            titles = reader.titles("user", ids)
            people = [titles[each] for each in ids if each in titles]
        by = str(row.values().get("updated_by.name") or "")
        version = row.version
    if who.id is not None and who.viewer is None and who.scopes is None:
        if due:
            notices.presence.renew(entity, id_, who.id)
        if "state" not in request.form:
            notices.seen(who, entity, id_)  # The page was opened just now.
    stale = version > request.form.get("version", version, type=int)
    state = blake2b(repr((people, stale, version if stale else 0)).encode(), digest_size=6).hexdigest()
    if state == request.form.get("state"):
        return Response(status=204)
    return render_template(
        "_present.html",
        people=people[:MOST],
        more=max(len(people) - MOST, 0),
        stale=stale,
        by=by,
        here=f"/{entity}/{id_}",
        state=state,
    )
