"""What the site tells other programs: webhooks list, deliveries, send, replay, pause, resume, try, hooks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from engine import (
    DELIVERY_STATE_LABELS,
    DELIVERY_STATES,
    ENDPOINT_STATE_LABELS,
    HOOK_STATE_LABELS,
    SYSTEM,
    Message,
)
from ui.cli.command import DONE, PROBLEMS, Command, Face, Group, Option, pass_face, shared


@click.group(cls=Group)
def webhooks() -> None:
    """Look after what the site tells other programs, and what they tell it."""


@webhooks.command("list", cls=Command)
@shared
@pass_face
def list_endpoints(face: Face) -> None:
    """List who is told of changes, and how that goes."""
    with face.site() as site, site.database.read() as connection:
        found = site.webhooks.endpoints.every(connection)
        waiting = site.webhooks.deliveries.counts(connection)
    for each in found:
        state, number = face.words(ENDPOINT_STATE_LABELS[each.state]), waiting.get(each.id, 0)
        why = f"  ({face.words(each.reason)})" if each.reason is not None else ""
        face.say(f"{each.id}  {state}  {number:>6}  {each.entity}  {each.name}  {each.url}{why}")
    face.answer(
        [
            {
                "id": each.id,
                "name": each.name,
                "url": each.url,
                "entity": each.entity,
                "events": list(each.events),
                "state": each.state,
                "waiting": waiting.get(each.id, 0),
                "failures": each.failures,
            }
            for each in found
        ]
    )


@webhooks.command("deliveries", cls=Command)
@shared
@click.argument("webhook")
@click.option("--state", type=click.Choice(DELIVERY_STATES), help="Only deliveries in this state.", cls=Option)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many at most.", cls=Option
)
@pass_face
def list_deliveries(face: Face, webhook: str, state: str | None, limit: int) -> None:
    """List the newest deliveries of a webhook, by its id."""
    with face.site() as site, site.database.read() as connection:
        endpoint = site.webhooks.endpoints.get(connection, webhook)
        found = site.webhooks.deliveries.page(connection, endpoint.id, state=state, limit=limit)
    for each in found:
        why = f"  ({face.words(each.note)})" if each.note is not None else ""
        at, said = each.at.astimezone().strftime("%Y-%m-%d %H:%M"), face.words(DELIVERY_STATE_LABELS[each.state])
        face.say(f"{each.id}  {at}  {said}  {each.entity}.{each.event}  {each.record_id}  {each.status or ''}{why}")
    face.answer(
        [
            {
                "id": each.id,
                "event": f"{each.entity}.{each.event}",
                "record": each.record_id,
                "version": each.version,
                "state": each.state,
                "attempts": each.attempts,
                "status": each.status,
                "at": each.at.isoformat(),
                "next_at": each.next_at and each.next_at.isoformat(),
            }
            for each in found
        ]
    )


@webhooks.command("send", cls=Command)
@shared
@pass_face
def send(face: Face) -> None:
    """Send what is due here and now; a worker does it by itself."""
    with face.site() as site:
        site.require_published()
        found = site.webhooks.dispatch()
    face.say(Message("{matched} deliveries made, {sent} attempts", matched=found.matched, sent=found.sent))
    face.answer({"matched": found.matched, "sent": found.sent})


@webhooks.command("replay", cls=Command)
@shared
@click.argument("webhook")
@click.option(
    "--hours", default=24, show_default=True, type=click.IntRange(1, 24 * 30), help="How far back.", cls=Option
)
@click.option("--all", "everything", is_flag=True, help="What was delivered, too.", cls=Option)
@pass_face
def replay(face: Face, webhook: str, hours: int, everything: bool) -> None:  # noqa: FBT001 - a flag
    """Send again what was given up, or all that was changed."""
    since = datetime.now(UTC) - timedelta(hours=hours)
    with face.site() as site:
        count = site.webhooks.deliveries.replay_since(SYSTEM, webhook, since, failed_only=not everything)
    face.say(Message("{count} deliveries are sent again", count=count))
    face.answer({"count": count})


@webhooks.command("pause", cls=Command)
@shared
@click.argument("webhook")
@pass_face
def pause(face: Face, webhook: str) -> None:
    """Send nothing until it is resumed; what changes meanwhile waits."""
    with face.site() as site:
        site.webhooks.endpoints.pause(SYSTEM, webhook)
    face.say(Message("{name} is paused", name=webhook))
    face.answer({"id": webhook, "state": "paused"})


@webhooks.command("resume", cls=Command)
@shared
@click.argument("webhook")
@pass_face
def resume(face: Face, webhook: str) -> None:
    """Send again, what waited first."""
    with face.site() as site:
        site.webhooks.endpoints.resume(SYSTEM, webhook)
    face.say(Message("{name} goes on", name=webhook))
    face.answer({"id": webhook, "state": "active"})


@webhooks.command("try", cls=Command)
@shared
@click.argument("webhook")
@pass_face
def try_out(face: Face, webhook: str) -> int:
    """Send a trial at once, and say what the receiver made of it."""
    with face.site() as site:
        outcome = site.webhooks.try_out(SYSTEM, webhook)
    if outcome.good:
        face.say(Message("The receiver took the trial ({status})", status=outcome.status))
    else:
        face.say(Message("The trial failed: {why}", why=outcome.note or ""))
    face.answer({"status": outcome.status, "milliseconds": outcome.milliseconds})
    return DONE if outcome.good else PROBLEMS


@webhooks.command("hooks", cls=Command)
@shared
@pass_face
def list_hooks(face: Face) -> None:
    """List what other programs may send in; never the addresses."""
    with face.site() as site, site.database.read() as connection:
        found = site.webhooks.hooks.every(connection)
    for each in found:
        face.say(f"{each.id}  {face.words(HOOK_STATE_LABELS[each.state])}  {each.entity}  {each.name}")
    face.answer(
        [
            {"id": each.id, "name": each.name, "entity": each.entity, "state": each.state, "scheme": each.scheme}
            for each in found
        ]
    )
