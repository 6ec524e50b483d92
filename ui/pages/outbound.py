"""What may leave the site and what left it lately: for administrators who have to answer for that."""

from __future__ import annotations

from flask import Blueprint

from engine import AccessDenied, Message
from ui.asking import language, reading, site
from ui.frame import page
from ui.pages.listing import locale_of
from ui.widgets.moments import moment_writer, zone

routes = Blueprint("outbound", __name__)
_SHOWN = 100


@routes.get("/admin/outbound")
def outbound() -> str:
    """Show the rules of guanxi.yaml and the latest attempts of this process."""
    with reading() as reader:
        if not reader.access.has("admin"):
            raise AccessDenied(Message("Only an administrator may see what leaves the site"))
        spoken, door = language(), site().outbound
        write, place = moment_writer(spoken), zone(locale_of(reader).timezone)
        year = reader.access.env()["today"].year
        asked = [
            {
                "at": write(each.at.astimezone(place), year),
                "purpose": each.purpose,
                "target": each.target,
                "address": each.address,
                "outcome": each.outcome,
                "reason": each.reason.in_(spoken) if each.reason is not None else "",
                "milliseconds": each.milliseconds,
            }
            for each in door.lately[:_SHOWN]
        ]
        mail = str(site().config.mail.get("server") or "")
        return page(
            "outbound.html",
            reader,
            entries=door.allowance.entries,
            public=door.allowance.public,
            mail=mail.rpartition("@")[2].rpartition("//")[2],
            asked=asked,
        )
