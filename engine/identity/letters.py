"""What is written to people about their signing in. Each letter is in the reader's language when it is sent."""

from __future__ import annotations

from datetime import timedelta

from engine import clock
from engine.i18n import Message
from engine.mail import Letter

_NOT_YOU = Message("If this was not you, tell whoever looks after the site at once, and choose a new password.")
_IGNORE = Message("If you did not ask for this, you need not do anything: nothing changes.")


def invitation(link: str, hours: int, by: str | None) -> Letter:
    """Ask somebody in."""
    first = Message("{name} has made an account for you.", name=by) if by else Message("An account was made for you.")
    return Letter(
        "invitation",
        Message("Your account is ready"),
        [first, Message("Choose your password within {hours} hours. The link works once.", hours=hours)],
        (Message("Choose your password"), link),
        secret=True,
        good_until=clock.now() + timedelta(hours=hours),
    )


def reset(link: str, minutes: int) -> Letter:
    """Lead somebody who forgot their password to a new one."""
    return Letter(
        "reset",
        Message("A new password"),
        [
            Message("Somebody, hopefully you, asked for a new password for your account."),
            Message("Choose it within {minutes} minutes. The link works once.", minutes=minutes),
        ],
        (Message("Choose a new password"), link),
        [_IGNORE],
        secret=True,
        good_until=clock.now() + timedelta(minutes=minutes),
    )


def confirm_address(link: str, minutes: int) -> Letter:
    """Ask whether an address is the person's."""
    return Letter(
        "email",
        Message("Confirm your new email address"),
        [
            Message("You asked to sign in with this address from now on."),
            Message("Confirm it within {minutes} minutes. The link works once.", minutes=minutes),
        ],
        (Message("Confirm the address"), link),
        [_IGNORE],
        secret=True,
        good_until=clock.now() + timedelta(minutes=minutes),
    )


def _notice(subject: Message, *lines: Message) -> Letter:
    return Letter("notice", subject, [*lines], after=[_NOT_YOU])


def password_changed() -> Letter:
    """Tell that the password is another one."""
    return _notice(
        Message("Your password was changed"),
        Message("The password of your account was changed, and every other device was signed out."),
    )


def address_changes(new: str) -> Letter:
    """Tell the old address that somebody wants another one."""
    return _notice(
        Message("Your email address is to change"),
        Message("Somebody asked to sign in to your account with {address} from now on.", address=new),
    )


def address_changed(new: str) -> Letter:
    """Tell the old address that it is no longer the one."""
    return _notice(
        Message("Your email address was changed"),
        Message("From now on your account is signed in to with {address}.", address=new),
    )


def factor_added(kind: str, name: str) -> Letter:
    """Tell that there is another second factor."""
    return _notice(
        Message("A second factor was added"),
        Message("From now on your account can be signed in to with: {factor}.", factor=called(kind, name)),
    )


def factor_removed(kind: str, name: str) -> Letter:
    """Tell that there is one second factor less."""
    return _notice(
        Message("A second factor was removed"),
        Message("Your account can no longer be signed in to with: {factor}.", factor=called(kind, name)),
    )


def factors_removed() -> Letter:
    """Tell that an administrator removed all second factors."""
    return _notice(
        Message("Your second factors were removed"),
        Message("An administrator removed the second factors of your account. At your next sign-in you may be asked"
                " to set one up again."),
    )  # fmt: skip


def code_used(left: int) -> Letter:
    """Tell that a recovery code was used."""
    return _notice(
        Message("A recovery code was used"),
        Message("Somebody signed in to your account with a recovery code; {left} are left.", left=left),
    )


def codes_made() -> Letter:
    """Tell that there are new recovery codes."""
    return _notice(
        Message("New recovery codes were made"),
        Message("Your account has new recovery codes. The old ones no longer work."),
    )


def locked_out(minutes: int, address: str | None) -> Letter:
    """Tell that somebody tries passwords."""
    return _notice(
        Message("Too many wrong passwords"),
        Message(
            "Somebody typed wrong passwords for your account too often, last from {address}. For {minutes} minutes"
            " nobody can sign in to it.",
            address=address or Message("an unknown address"),
            minutes=minutes,
        ),
    )


def called(kind: str, name: str) -> Message | str:
    """Return what a factor is called."""
    if kind == "totp":
        return Message("authenticator app")
    return Message("passkey {name}", name=name) if name else Message("passkey")
