"""What tests of signing in share: browsers of people who have signed in, their mails, and their authenticator apps."""

import re
from datetime import timedelta
from typing import Any

import pyotp

from engine import clock
from tests.functional.screens.world import PASSWORD, Web, World

ACCOUNT = "/login/account"


def signed_in(world: World, who: str) -> Web:
    web = world.browser()
    done = web.submit("/login", {"email": f"{who}@example.com", "password": PASSWORD})
    assert done.status_code == 303
    return web


def mails(world: World, purpose: str) -> list[Any]:
    """Return the mails of a purpose as they would be sent, the oldest first."""
    found = []
    while (claimed := world.site.post.outbox.claim()) is not None:
        if claimed.void:
            world.site.post.outbox.throw_away(claimed.id)
            continue
        found.append(claimed.mail)
        world.site.post.outbox.sent(claimed.id)
    return [each for each in found if each.purpose == purpose]


def link_in(mail: Any) -> str:
    """Return the path of the link in a mail."""
    found = re.search(r"https?://[^/\s]+(/\S+)", mail.text)
    assert found
    return found[1]


def give_app(world: World, who: str) -> pyotp.TOTP:
    """Give somebody an authenticator app, as of some minutes ago."""
    identity, user_id = world.site.identity, world.ids[who]
    totp = pyotp.TOTP(identity.offer_app(user_id).secret)
    with clock.set_to(clock.now() - timedelta(minutes=5)):
        identity.confirm_app(user_id, totp.at(clock.now()))
    return totp


def code(app: pyotp.TOTP) -> str:
    return str(app.at(clock.now()))
