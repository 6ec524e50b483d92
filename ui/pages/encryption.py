"""What is encrypted where: for whoever has to answer for it."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint

from engine import GuanxiError, Message, Reader, encryption, now, protections
from ui.asking import language, reading, site
from ui.frame import page
from ui.pages.audit import require_audit
from ui.pages.listing import locale_of
from ui.widgets.moments import moment_writer, zone

routes = Blueprint("encryption", __name__)

_ELSEWHERE = {
    "auth.totp": Message("Authenticator apps"),
    "hook": Message("Inbound hooks"),
    "mail": Message("Mail"),
    "webhook": Message("Webhooks"),
}
"""What keeps encrypted values and is no field."""


@routes.get("/admin/encryption")
def show() -> str:
    """Show how each place is protected, the sealed fields, and the keys by age and number of values."""
    with reading() as reader:
        require_audit(reader)
        try:
            known = encryption(site())
        except GuanxiError:
            known = None
        spoken = language()
        write, place = moment_writer(spoken), zone(locale_of(reader).timezone)
        year = reader.access.env()["today"].year
        keys = []
        for key in known.keys if known is not None else ():
            made = datetime.fromisoformat(str(key.created_at))
            keys.append({"key": key, "made": write(made.astimezone(place), year), "days": (now() - made).days})
        return page(
            "encryption.html",
            reader,
            places=[
                {"about": each.about.in_(spoken), "said": each.said.in_(spoken), "state": each.state}
                for each in protections(site(), known)
            ],
            fields=[(_label(reader, each.name), each) for each in known.fields] if known is not None else [],
            keys=keys,
        )


def _label(reader: Reader, name: str) -> str:
    """Return what people call a field: `Lead, ID card`."""
    if name in _ELSEWHERE:
        return _ELSEWHERE[name].in_(language())
    entity_key, _, field_key = name.partition(".")
    entity = reader.model.entities.get(entity_key)
    field = entity.fields.get(field_key) if entity is not None else None
    if entity is None or field is None:
        return name
    return f"{entity.label.in_(language())} / {field.label.in_(language())}"
