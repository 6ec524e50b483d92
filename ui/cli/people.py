"""Who may do what: user add, invite, list, disable; token add, list, revoke; explain."""

from __future__ import annotations

import secrets
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from engine import SYSTEM, GuanxiError, Message, Site, who_can_see
from ui.cli.command import DONE, PROBLEMS, Command, Face, Group, Option, pass_face, shared


@click.group(cls=Group)
def user() -> None:
    """Look after the people who sign in."""


@user.command("add", cls=Command)
@shared
@click.argument("name")
@click.option("--email", required=True, help="What the person signs in with.", cls=Option)
@click.option(
    "--role", "roles", multiple=True, help="A role that the person holds; may be given several times.", cls=Option
)
@click.option("--manager", help="Who sees this person's records as those of a subordinate: an email.", cls=Option)
@click.option("--language", type=click.Choice(["en", "zh"]), help="The language of the person.", cls=Option)
@click.option("--password-stdin", is_flag=True, help="Read a password from the input, in place of a link.", cls=Option)
@click.option("--invite", is_flag=True, help="Send the link by mail, in place of printing it.", cls=Option)
@click.option("--service", is_flag=True, help="An account of a program: it has tokens, and never signs in.", cls=Option)
@pass_face
def add(  # noqa: PLR0913, PLR0917 - click's own shape
    face: Face,
    name: str,
    email: str,
    roles: tuple[str, ...],
    manager: str | None,
    language: str | None,
    password_stdin: bool,  # noqa: FBT001 - click's own shape
    invite: bool,  # noqa: FBT001 - as above
    service: bool,  # noqa: FBT001 - as above
) -> None:
    """Make a user and print a link with which they choose their password, once."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    with face.site(published=True) as site:
        values: dict[str, Any] = {"language": language, "manager": manager and site.identity.find(manager).id}
        given = {key: value for key, value in values.items() if value is not None}
        if service:
            given["kind"] = "service"
        if password is not None:
            site.identity.require_strong(password, name, email)
        user_id = site.identity.add(name, email, roles, **given)
        link = None
        if password is not None:
            site.identity.set_password(user_id, password)
        elif invite and not service:
            site.identity.invite(user_id)
            send_now(face, site)
        elif not service:
            link = link_address(site, site.identity.make_link(user_id))
        hours = site.config.limits.set_up_hours
    face.say(Message("Made the user {name}", name=name))
    if link is not None:
        face.say(Message("Choose a password within {hours} hours here, once:", hours=hours))
        face.say(f"  {link}")
    face.answer({"id": user_id, "link": link})


def link_address(site: Site, secret: str) -> str:
    """Return the address of a link that somebody follows."""
    return site.identity.address(site.identity.link_path(secret))


def send_now(face: Face, site: Site) -> None:
    """Send what is due, and say when it waits for another attempt."""
    done = site.post.send_due()
    if done.put_off or done.failed:
        face.say(Message("The mail could not be sent yet; `guanxi mail list` says why"), error=True)
    elif site.post.settings is None:
        folder = str(site.post.folder)
        face.say(Message("guanxi.yaml names no mail server, so they are files in {folder}", folder=folder))


@user.command("invite", cls=Command)
@shared
@click.argument("name")
@pass_face
def invite_user(face: Face, name: str) -> None:
    """Send a user a mail with a link with which they choose a password, once."""
    with face.site(published=True) as site:
        person = site.identity.find(name)
        site.identity.invite(person.id)
        send_now(face, site)
    face.say(Message("Invited {name}", name=person.name))
    face.answer({"id": person.id, "email": person.email})


@user.command("link", cls=Command)
@shared
@click.argument("name")
@pass_face
def link(face: Face, name: str) -> None:
    """Print a new link with which a user chooses a password, once."""
    with face.site(published=True) as site:
        address = link_address(site, site.identity.make_link(site.identity.find(name).id))
    face.say(address)
    face.answer({"link": address})


@user.command("list", cls=Command)
@shared
@pass_face
def list_users(face: Face) -> None:
    """List the users."""
    with face.site(published=True) as site:
        people = site.identity.people()
    for person in people:
        state = "" if person.active else f"  ({face.words(Message('disabled'))})"
        face.say(f"{person.name}  <{person.email}>  {', '.join(person.roles)}{state}")
    face.answer(
        [
            {"id": each.id, "name": each.name, "email": each.email, "roles": list(each.roles), "active": each.active}
            for each in people
        ]
    )


@user.command("disable", cls=Command)
@shared
@click.argument("name")
@pass_face
def disable(face: Face, name: str) -> None:
    """Shut a user out; their records stay as they are."""
    with face.site(published=True) as site:
        person = site.identity.find(name)
        site.identity.disable(person.id)
    face.say(Message("{name} can no longer sign in", name=person.name))
    face.answer({"id": person.id, "active": False})


@click.group(cls=Group)
def token() -> None:
    """Look after the tokens that programs use."""


@token.command("add", cls=Command)
@shared
@click.argument("person")
@click.option("--name", default="token", show_default=True, help="What it is for.", cls=Option)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="What it may do: *, read, lead:*, lead:update; all that the user may unless given.",
    cls=Option,
)
@click.option("--days", type=click.IntRange(1), help="Days that it is good for; for ever unless given.", cls=Option)
@click.option(
    "--from",
    "addresses",
    multiple=True,
    help="An address or network that it works from; from anywhere unless given.",
    cls=Option,
)
@pass_face
def add_token(
    face: Face, person: str, name: str, scopes: tuple[str, ...], days: int | None, addresses: tuple[str, ...]
) -> None:
    """Make a token of a user and print it; it is never shown again."""
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with face.site(published=True) as site:
        user_id = site.identity.find(person).id
        token_id, text = site.identity.add_token(user_id, name, scopes, expires_at, addresses=addresses)
    face.say(text)
    face.answer(
        {"id": token_id, "token": text, "scopes": list(scopes), "expires_at": expires_at and expires_at.isoformat()}
    )


@token.command("list", cls=Command)
@shared
@click.argument("person")
@pass_face
def list_tokens(face: Face, person: str) -> None:
    """List the tokens of a user."""
    with face.site(published=True) as site:
        tokens = site.identity.tokens(site.identity.find(person).id)
    for each in tokens:
        face.say(f"{each.id}  {each.name}  {' '.join(each.scopes) or '*'}")
    face.answer(
        [
            {
                "id": each.id,
                "name": each.name,
                "scopes": list(each.scopes),
                "created_at": _iso(each.created_at),
                "expires_at": _iso(each.expires_at),
                "used_at": _iso(each.used_at),
                "used_from": each.used_from,
                "addresses": list(each.addresses),
            }
            for each in tokens
        ]
    )


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


@token.command("revoke", cls=Command)
@shared
@click.argument("token_id")
@pass_face
def revoke(face: Face, token_id: str) -> None:
    """End a token."""
    with face.site(published=True) as site:
        site.identity.revoke_token(token_id)
    face.say(Message("The token no longer works"))
    face.answer({"id": token_id, "revoked": True})


@click.command(cls=Command)
@shared
@click.argument("person")
@click.argument("action")
@click.argument("entity")
@click.argument("record", required=False)
@click.argument("field", required=False)
@pass_face
def explain(face: Face, person: str, action: str, entity: str, record: str | None, field: str | None) -> int:
    """Say which rule lets a person do something, or keeps them from it, and who could change that."""
    with face.site(published=True) as site:
        said = site.explain(site.identity.find(person).id, action, entity, record, field)
    face.say(said.answer)
    for line in (*said.lines, *said.whom_to_ask):
        face.say(f"  {face.words(line)}")
    face.answer(
        {
            "granted": said.granted,
            "answer": face.words(said.answer),
            "lines": [face.words(line) for line in said.lines],
            "who_could_grant": list(said.who_could_grant),
            "whom_to_ask": [face.words(line) for line in said.whom_to_ask],
        }
    )
    return DONE if said.granted else PROBLEMS


@click.command(cls=Command)
@shared
@click.argument("entity")
@click.argument("record")
@click.option("--as", "person", help="Ask as this user: an email; as the product itself unless given.", cls=Option)
@pass_face
def who(face: Face, entity: str, record: str, person: str | None) -> None:
    """List the people who can see a record, and through which rule."""
    with face.site(published=True) as site:
        asker = SYSTEM if person is None else site.principal(site.identity.find(person).id)
        with site.reading(asker) as reader:
            sight = who_can_see(reader, entity, record, site.identity.principals(reader.connection))
    face.say(
        Message("{readers} people can see it, {editors} can change it", readers=sight.readers, editors=sight.editors)
    )
    for each in sight.seers:
        may = Message("see and change") if each.may_update else Message("see")
        face.say(f"  {each.name}  ({face.words(may)})  {'; '.join(face.words(line) for line in each.why)}")
    face.answer(
        {
            "readers": sight.readers,
            "editors": sight.editors,
            "people": [
                {
                    "id": each.id,
                    "name": each.name,
                    "may_update": each.may_update,
                    "why": [face.words(line) for line in each.why],
                }
                for each in sight.seers
            ],
        }
    )


def random_password() -> str:
    """Return a password that nobody guesses, and that can be typed."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(3))


__all__ = ["GuanxiError", "explain", "token", "user", "who"]
