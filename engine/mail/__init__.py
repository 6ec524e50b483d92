"""Mail that the product sends: rows of an outbox, committed with what causes them, and whoever carries them away."""

from engine.mail.letter import Letter, Mail
from engine.mail.outbox import Entry, Outbox
from engine.mail.post import Post
from engine.mail.settings import MailSettings

__all__ = ["Entry", "Letter", "Mail", "MailSettings", "Outbox", "Post"]
