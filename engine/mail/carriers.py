"""Who carries mail away: a server by SMTP, or, until one is configured, files in a folder."""

from __future__ import annotations

import os
import smtplib
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

from engine.errors import GuanxiError
from engine.mail.settings import MailSettings

_PERMANENT = 500


class NotCarried(Exception):
    """A mail could not be handed over."""

    def __init__(self, why: str, *, for_good: bool = False, everything: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good
        """Whether trying again is of no use."""
        self.everything = everything
        """Whether no other mail would go either."""


class Carrier(Protocol):
    """Takes mails."""

    def carry(self, message: EmailMessage, to: str, id_: str) -> None:
        """Hand over a mail.

        Raises:
            NotCarried: it was not taken.
        """

    def close(self) -> None:
        """End whatever connection there is."""


class Server:
    """A server by SMTP; one connection for all mails of a round."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._connection: smtplib.SMTP | None = None

    def carry(self, message: EmailMessage, to: str, id_: str) -> None:
        """Hand over a mail; as `Carrier`."""
        connection = self._connected()
        try:
            connection.send_message(message, to_addrs=[to])
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()), (0, b""))
            raise NotCarried(_said(code, said), for_good=code >= _PERMANENT) from error
        except smtplib.SMTPSenderRefused as error:
            # The server does not know us: a matter of settings, which somebody will put right.
            raise NotCarried(_said(error.smtp_code, error.smtp_error), everything=True) from error
        except smtplib.SMTPNotSupportedError as error:
            raise NotCarried(str(error), for_good=True) from error
        except smtplib.SMTPDataError as error:
            raise NotCarried(
                _said(error.smtp_code, error.smtp_error), for_good=error.smtp_code >= _PERMANENT
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise NotCarried(_named(error), everything=True) from error

    def _connected(self) -> smtplib.SMTP:
        if self._connection is None:
            try:
                self._connection = self._open()
            except smtplib.SMTPResponseException as error:
                raise NotCarried(_said(error.smtp_code, error.smtp_error), everything=True) from error
            except (smtplib.SMTPException, OSError) as error:
                raise NotCarried(_named(error), everything=True) from error
            except GuanxiError as error:
                raise NotCarried(str(error), everything=True) from error
        return self._connection

    def _open(self) -> smtplib.SMTP:
        given = self._settings
        if given.implicit:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                given.host, given.port, timeout=given.timeout, context=given.trust()
            )
        else:
            connection = smtplib.SMTP(given.host, given.port, timeout=given.timeout)
        try:
            connection.ehlo_or_helo_if_needed()
            self._greet(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _greet(self, connection: smtplib.SMTP) -> None:
        """Begin TLS and sign in, as far as the settings say so."""
        given, protected = self._settings, self._settings.implicit
        if not protected and given.tls != "never" and connection.has_extn("starttls"):
            connection.starttls(context=given.trust())
            connection.ehlo()
            protected = True
        if not protected and given.tls == "always":
            raise smtplib.SMTPNotSupportedError("the server offers no STARTTLS")
        if given.user:
            if not protected and given.tls == "offered":
                raise smtplib.SMTPNotSupportedError("the password is not sent without TLS")
            connection.login(given.user, given.password())

    def close(self) -> None:
        """Say good-bye, if there is anybody to say it to."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.quit()
            except (smtplib.SMTPException, OSError):
                connection.close()


class Folder:
    """Files that any mail program opens: for trying things out, and until a server is configured."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def carry(self, message: EmailMessage, to: str, id_: str) -> None:
        """Write a mail into a file of its own; as `Carrier`."""
        target = self._folder / f"{id_}.eml"
        partial = target.with_suffix(".part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # They hold links that let somebody in: for the owner's eyes alone.
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(message.as_bytes())
            partial.replace(target)
        except OSError as error:
            raise NotCarried(_named(error), everything=True) from error

    def close(self) -> None:
        """Nothing is open."""


def _said(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join(f"{code} {text}".split())


def _named(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
