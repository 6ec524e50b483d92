"""`guanxi user accounts` and `guanxi user unlink`: which accounts of other providers a user signs in with."""

from __future__ import annotations

import click

from engine import Message
from ui.cli.command import Command, Face, Option, pass_face, shared


@click.command("accounts", cls=Command)
@shared
@click.argument("person")
@pass_face
def accounts(face: Face, person: str) -> None:
    """List the accounts of other providers that a user signs in with."""
    with face.site(published=True) as site:
        found = site.sso.accounts(site.identity.find(person).id)
    for provider, name in found:
        face.say(f"{provider}  {name}")
    face.answer([{"provider": provider, "account": name} for provider, name in found])


@click.command("unlink", cls=Command)
@shared
@click.argument("person")
@click.option("--provider", help="Only the accounts of this provider.", cls=Option)
@pass_face
def unlink(face: Face, person: str, provider: str | None) -> None:
    """Forget the accounts of other providers that a user signs in with; the next sign-in links them anew."""
    with face.site(published=True) as site:
        count = site.sso.unlink(site.identity.find(person).id, provider)
    face.say(Message("{count} accounts were unlinked", count=count))
    face.answer({"unlinked": count})
