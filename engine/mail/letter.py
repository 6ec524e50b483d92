"""What a mail says: a `Letter` in no language yet, and the `Mail` that it becomes for one person.

Plain text and simple HTML say the same. Nothing in it can become a header: line breaks and control characters are
taken out of whatever goes into one.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from engine import clock
from engine.errors import GuanxiError
from engine.i18n import Message

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\\\[\]]{1,64}@[^\s@<>,;:\"()\\\[\]]{1,255}")
_LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as the outbox takes it."""

    to: str
    language: str
    purpose: str
    """What it is for: invitation, reset, notice ... Pages and programs ask for it."""
    subject: str
    text: str
    html: str
    secret: bool = False
    """Whether its body holds a link that lets somebody in: it is sealed, and emptied once the mail has gone."""
    user_id: str | None = None
    good_until: datetime | None = None
    """After which it is of no use any more."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be said to somebody."""

    purpose: str
    subject: Message
    lines: Sequence[Message]
    button: tuple[Message, str] | None = None
    """What a link is called, and where it leads."""
    after: Sequence[Message] = ()
    """What follows the link."""
    secret: bool = False
    good_until: datetime | None = None

    def mail(self, to: str, name: str, language: str, *, user_id: str | None = None) -> Mail:
        """Return the mail for one person, in their language.

        Raises:
            GuanxiError: the address is none that mail can be sent to.
        """
        return Mail(
            to=checked_address(to),
            language=language,
            purpose=self.purpose,
            subject=one_line(self.subject.in_(language)),
            text=self._text(name, language),
            html=self._html(name, language),
            secret=self.secret,
            user_id=user_id,
            good_until=self.good_until,
        )

    def _text(self, name: str, language: str) -> str:
        parts = [Message("Hello {name},", name=one_line(name)).in_(language)]
        parts += [each.in_(language) for each in self.lines]
        if self.button is not None:
            parts.append(f"{self.button[0].in_(language)}:\n{self.button[1]}")
        parts += [each.in_(language) for each in self.after]
        return "\n\n".join(parts) + "\n"

    def _html(self, name: str, language: str) -> str:
        def paragraph(words: str) -> str:
            return f'<p style="margin:0 0 16px">{html.escape(words)}</p>'

        parts = [paragraph(Message("Hello {name},", name=one_line(name)).in_(language))]
        parts += [paragraph(each.in_(language)) for each in self.lines]
        if self.button is not None:
            label, address = html.escape(self.button[0].in_(language)), html.escape(self.button[1], quote=True)
            parts.append(
                '<p style="margin:0 0 16px"><a style="display:inline-block;padding:10px 20px;border-radius:4px;'
                f'background:#0054a6;color:#ffffff;text-decoration:none" href="{address}">{label}</a></p>'
                f'<p style="margin:0 0 16px;color:#626976;font-size:13px;word-break:break-all">{address}</p>'
            )
        parts += [paragraph(each.in_(language)) for each in self.after]
        spoken = "zh-Hans" if language == "zh" else language
        return (
            f'<!doctype html><html lang="{html.escape(spoken, quote=True)}"><head><meta charset="utf-8">'
            f"<title>{html.escape(one_line(self.subject.in_(language)))}</title></head>"
            '<body style="margin:0;padding:24px;background:#f6f8fb;color:#182433;'
            'font:16px/1.5 system-ui,-apple-system,sans-serif">'
            '<div style="max-width:560px;margin:0 auto;padding:24px;background:#ffffff;border-radius:6px">'
            f"{''.join(parts)}</div></body></html>\n"
        )


def one_line(words: str) -> str:
    """Return a text without line breaks and control characters, short enough for a header."""
    plain = "".join(" " if unicodedata.category(each).startswith(("C", "Z")) else each for each in words)
    return " ".join(plain.split())[:_LONGEST_SUBJECT]


def checked_address(address: str) -> str:
    """Return an address that mail can be sent to.

    Raises:
        GuanxiError: it is none.
    """
    found = address.strip()
    if _ADDRESS.fullmatch(found) is None or not found.isprintable():
        raise GuanxiError(Message("{address} is no address that mail can be sent to", address=repr(found[:100])))
    return found


def message(mail: Mail, id_: str, sender: str) -> EmailMessage:
    """Return a mail as servers take it; the same id gives the same Message-ID, so that copies are known as such."""
    built = EmailMessage(policy=SMTP)
    name, address = _sender(sender)
    built["From"] = Address(one_line(name), addr_spec=address) if name else address
    built["To"] = mail.to
    built["Subject"] = one_line(mail.subject)
    built["Date"] = format_datetime(clock.now())
    built["Message-ID"] = f"<{id_}@{address.rpartition('@')[2] or 'localhost'}>"
    # Answering machines leave such mail alone.
    built["Auto-Submitted"] = "auto-generated"
    built["Content-Language"] = "zh-Hans" if mail.language == "zh" else mail.language
    built.set_content(mail.text)
    built.add_alternative(mail.html, subtype="html")
    return built


def _sender(sender: str) -> tuple[str, str]:
    """Return (name, address) of `Name <address>` or `address`."""
    found = re.fullmatch(r"\s*(.*?)\s*<([^<>]+)>\s*", sender)
    if found:
        return found[1].strip('" '), found[2].strip()
    return "", sender.strip() or "guanxi@localhost"
