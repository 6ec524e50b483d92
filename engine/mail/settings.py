"""`mail:` of guanxi.yaml: which server takes our mail, and how it knows us."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from engine.errors import SiteBroken
from engine.i18n import Message

Tls = Literal["always", "offered", "never"]
_PORTS = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailSettings:
    """A server that takes mail."""

    host: str
    port: int
    implicit: bool
    """Whether TLS begins with the connection, in place of STARTTLS."""
    tls: Tls
    """Whether STARTTLS has to be, may be, or is never used."""
    sender: str
    user: str = ""
    password_source: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()
    authorities: Path | None = None
    """A file of certificates that are trusted besides those of the machine."""
    timeout: float = 20.0

    @classmethod
    def read(cls, given: Mapping[str, Any], folder: Path) -> MailSettings | None:
        """Return what guanxi.yaml says under `mail:`; None when it names no server."""
        if not given.get("server"):
            return None
        parts = urlsplit(str(given["server"]))
        host = parts.hostname or ""
        return cls(
            host=host,
            port=parts.port or _PORTS.get(parts.scheme, 25),
            implicit=parts.scheme == "smtps",
            # Mail carries links that let people in: nobody on the way may read them, unless it stays on the machine.
            tls=given.get("tls") or ("offered" if _is_here(host) else "always"),
            sender=str(given.get("from") or ""),
            user=str(given.get("user") or ""),
            password_source=dict(given.get("password") or {}),
            folder=folder,
            authorities=folder / given["authorities"] if given.get("authorities") else None,
            timeout=float(given.get("timeout") or 20),
        )

    def called(self, name: str) -> MailSettings:
        """Return the same settings with a name before the address that mail comes from, unless it has one."""
        if not name or "<" in self.sender or not self.sender:
            return self
        plain = name.translate({ord(each): None for each in '<>"'})
        return replace(self, sender=f"{plain} <{self.sender.strip()}>")

    def password(self) -> str:
        """Return the password, read anew so that a changed one holds.

        Raises:
            SiteBroken: it cannot be read.
        """
        if name := self.password_source.get("env"):
            found = os.environ.get(name, "")
            if not found:
                raise SiteBroken(Message("The environment variable {name} holds no mail password", name=name))
            return found
        if name := self.password_source.get("file"):
            file = self.folder / name
            try:
                return file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeError) as error:
                why = getattr(error, "strerror", None) or type(error).__name__
                raise SiteBroken(
                    Message("The mail password cannot be read from {file}: {why}", file=str(file), why=why)
                ) from error
        return ""

    def trust(self) -> ssl.SSLContext:
        """Return what a server's certificate is checked against.

        Raises:
            SiteBroken: the file of certificates cannot be read.
        """
        context = ssl.create_default_context()
        if self.authorities is not None:
            try:
                context.load_verify_locations(self.authorities)
            except OSError as error:
                raise SiteBroken(
                    Message("{file} holds no certificates that can be read", file=str(self.authorities))
                ) from error
        return context


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
