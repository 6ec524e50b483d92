"""What becomes of webhooks in a restored site: they are paused, for the site that was lost may have told all of it."""

from __future__ import annotations

from engine.i18n import Message
from engine.webhooks.rows import kept_message

WHY = Message("The site was restored from a backup; resume it when this is the site that receivers should hear")
_WHY = (kept_message(WHY) or "").replace("'", "''")

HOLD = f"UPDATE webhook_endpoint SET state = 'paused', reason = '{_WHY}' WHERE state = 'active'"  # noqa: S608 - a constant
"""The statement that pauses every endpoint."""
