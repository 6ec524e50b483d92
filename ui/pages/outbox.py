"""Outgoing mail: what waits, what was sent, and what could not be; never what a mail says."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from engine import Message
from ui.asking import reading, site
from ui.frame import notice, page, said
from ui.pages.account import moments
from ui.pages.jobs import require_admin

routes = Blueprint("outbox", __name__, url_prefix="/admin/mail")

_MOST = 100
_STATES = {
    "waiting": Message("waiting"),
    "sending": Message("being sent"),
    "sent": Message("sent"),
    "failed": Message("not sent"),
}
_COLOURS = {"waiting": "yellow", "sending": "blue", "sent": "green", "failed": "red"}


@routes.get("")
def mails() -> str:
    """Show the newest mails; those of one state when it is asked for."""
    with reading() as reader:
        require_admin(reader)
        state = request.args.get("state", "")
        state = state if state in _STATES else ""
        post = site().post
        return page(
            "outbox.html",
            reader,
            mails=post.entries(_MOST, state=state or None),
            state=state,
            states=[(key, said(label)) for key, label in _STATES.items()],
            labels={key: said(label) for key, label in _STATES.items()},
            colours=_COLOURS,
            folder=str(post.folder) if post.settings is None else "",
            when=moments(reader),
        )


@routes.post("/<uuid:mail_id>/retry")
def retry(mail_id: Any) -> Response:
    """Send a mail now that waits for its next attempt."""
    with reading() as reader:
        require_admin(reader)
        reader.principal.require_own_hands()
    if site().post.outbox.retry(str(mail_id)):
        site().post.nudge()
        notice(Message("The mail is tried again"))
    else:
        notice(Message("This mail is not waiting any more"), "warning")
    return redirect("/admin/mail", 303)
