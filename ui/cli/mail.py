"""The outbox: mail send, list, test."""

from __future__ import annotations

import click

from engine import Message
from ui.cli.command import DONE, PROBLEMS, Command, Face, Group, Option, pass_face, shared

_STATES = {
    "waiting": Message("waiting"),
    "sending": Message("being sent"),
    "sent": Message("sent"),
    "failed": Message("not sent"),
}


@click.group(cls=Group)
def mail() -> None:
    """Look after the mail that the site sends."""


@mail.command("send", cls=Command)
@shared
@pass_face
def send(face: Face) -> int:
    """Send what is due now; `guanxi serve` does it by itself."""
    with face.site() as site:
        done = site.post.send_due()
        folder = None if site.post.settings is not None else site.post.folder
    face.say(
        Message(
            "{sent} sent, {put_off} to be tried again, {failed} given up",
            sent=done.sent,
            put_off=done.put_off,
            failed=done.failed,
        )
    )
    if folder is not None and done.sent:
        face.say(Message("guanxi.yaml names no mail server, so they are files in {folder}", folder=str(folder)))
    face.answer({"sent": done.sent, "put_off": done.put_off, "failed": done.failed})
    return PROBLEMS if done.put_off or done.failed else DONE


@mail.command("list", cls=Command)
@shared
@click.option("--state", type=click.Choice(list(_STATES)), help="Only mails in this state.", cls=Option)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many at most.", cls=Option
)
@pass_face
def list_mails(face: Face, state: str | None, limit: int) -> None:
    """List the newest mails, never what they say."""
    with face.site() as site:
        found = site.post.entries(limit, state=state)
    for each in found:
        at = each.created_at.astimezone().strftime("%Y-%m-%d %H:%M") if each.created_at is not None else ""
        why = f"  ({each.error})" if each.error else ""
        face.say(f"{at}  {face.words(_STATES[each.state])}  {each.purpose}  {each.to}  {each.subject}{why}")
    face.answer(
        [
            {
                "id": each.id,
                "to": each.to,
                "purpose": each.purpose,
                "subject": each.subject,
                "state": each.state,
                "attempts": each.attempts,
                "created_at": each.created_at and each.created_at.isoformat(),
                "next_at": each.next_at and each.next_at.isoformat(),
                "sent_at": each.sent_at and each.sent_at.isoformat(),
                "error": each.error,
            }
            for each in found
        ]
    )


@mail.command("test", cls=Command)
@shared
@click.argument("address")
@pass_face
def test(face: Face, address: str) -> None:
    """Send a mail to an address at once, to try the settings."""
    with face.site() as site:
        place = site.post.try_out(address, face.language)
    face.say(Message("A mail to {address} was taken by {place}", address=address, place=place))
    face.answer({"address": address, "place": place})
