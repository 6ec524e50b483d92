"""`Post`: puts mails into the outbox and has them carried away, by a thread beside the server or by a command."""

from __future__ import annotations

import logging
import random
import threading
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from engine.errors import GuanxiError
from engine.i18n import Message
from engine.ids import new_id
from engine.mail.carriers import Carrier, Folder, NotCarried, Server
from engine.mail.letter import Letter, Mail, message
from engine.mail.outbox import Entry, Outbox, Seals
from engine.mail.settings import MailSettings
from engine.storage.database import Database

_log = logging.getLogger(__name__)
_ROUND_SECONDS = 30.0
_PAUSE = (0.2, 0.7)


@dataclass(frozen=True, slots=True)
class Round:
    """What became of the mails that were due."""

    sent: int = 0
    put_off: int = 0
    failed: int = 0


class Post:
    """The mail of one site.

    Args:
        database: where the outbox is.
        settings: the server; without one mails become files in `folder`.
        folder: where to.
        vault: what seals bodies with secret links.
    """

    def __init__(
        self, database: Database, settings: MailSettings | None, folder: Path, vault: Seals | None = None
    ) -> None:
        self.outbox = Outbox(database, vault)
        self.settings = settings
        self.folder = folder
        self._wake = threading.Event()
        self._stopped = threading.Event()

    # --- putting in -------------------------------------------------------------------------------------------------

    def put(self, connection: Connection, mail: Mail, *, void: bool = False) -> str:
        """Put a mail into the outbox, in a transaction that is open; as `Outbox.put`. Call `nudge` at its end."""
        return self.outbox.put(connection, mail, void=void)

    def nudge(self) -> None:
        """Let the sender of this process look into the outbox now."""
        self._wake.set()

    def entries(self, limit: int = 50, *, state: str | None = None, user_id: str | None = None) -> list[Entry]:
        """Return the newest mails; as `Outbox.entries`."""
        return self.outbox.entries(limit, state=state, user_id=user_id)

    # --- sending ----------------------------------------------------------------------------------------------------

    def send_due(self) -> Round:
        """Send what is due and return what became of it; a server that does not answer ends the round."""
        sent = put_off = failed = 0
        carrier = self._carrier()
        try:
            while (claimed := self.outbox.claim()) is not None:
                try:
                    built = message(claimed.mail, claimed.id, self._sender())
                    if claimed.void:
                        self.outbox.throw_away(claimed.id)
                        continue
                    carrier.carry(built, claimed.mail.to, claimed.id)
                except NotCarried as error:
                    _log.warning("mail %s could not be sent: %s", claimed.id, error)
                    self.outbox.failed(claimed, str(error), for_good=error.for_good)
                    failed, put_off = failed + error.for_good, put_off + (not error.for_good)
                    if error.everything:
                        break
                except (ValueError, UnicodeError) as error:
                    # It cannot be written as a mail at all.
                    _log.exception("mail %s cannot be written", claimed.id)
                    self.outbox.failed(claimed, f"{type(error).__name__}: {error}", for_good=True)
                    failed += 1
                else:
                    self.outbox.sent(claimed.id)
                    sent += 1
        finally:
            carrier.close()
        self.outbox.sweep()
        return Round(sent, put_off, failed)

    def try_out(self, address: str, language: str) -> str:
        """Send a mail to an address at once, past the outbox, and return who took it.

        Raises:
            GuanxiError: it was not taken; the words are the server's.
        """
        letter = Letter(
            "test", Message("Mail works"), [Message("This mail was sent to try the mail settings of the site.")]
        )
        carrier, id_, mail = self._carrier(), new_id(), letter.mail(address, address.partition("@")[0], language)
        try:
            carrier.carry(message(mail, id_, self._sender()), mail.to, id_)
        except NotCarried as error:
            raise GuanxiError(Message("The mail was not taken: {why}", why=str(error))) from error
        finally:
            carrier.close()
        return str(self.folder) if self.settings is None else f"{self.settings.host}:{self.settings.port}"

    def _carrier(self) -> Carrier:
        return Server(self.settings) if self.settings is not None else Folder(self.folder)

    def _sender(self) -> str:
        return self.settings.sender if self.settings is not None else ""

    # --- beside the server ------------------------------------------------------------------------------------------

    def start(self) -> threading.Thread:
        """Begin to send in a thread of its own, as long as the process lives or until `stop`."""
        thread = threading.Thread(target=self._run, name="guanxi-mail", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Let the thread end after the mail that it is at."""
        self._stopped.set()
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                if self.outbox.is_due():
                    self.send_due()
            except GuanxiError as error:
                _log.warning("the outbox cannot be read: %s", error)
            except Exception:  # noqa: BLE001 - as below
                # The thread lives as long as the process: the next round may fare better.
                _log.exception("sending mail failed")
            self._wake.wait(_ROUND_SECONDS)
            self._wake.clear()
            # The answer to what caused a mail goes first: its time must not tell whether there was one.
            self._stopped.wait(random.uniform(*_PAUSE))  # noqa: S311 - no secret
