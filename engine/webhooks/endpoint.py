"""What endpoints and deliveries are: who is told of which changes, and how the telling went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from engine.i18n import Message

WebhookEvent = Literal["created", "updated", "transition", "deleted", "restored"]
WEBHOOK_EVENTS: tuple[WebhookEvent, ...] = get_args(WebhookEvent)
EVERY_ENTITY = "*"
TEST = "test"
"""Event of a trial."""

EndpointState = Literal["active", "paused", "disabled"]
DeliveryState = Literal["waiting", "delivered", "failed", "skipped", "dropped"]
DELIVERY_STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)

WEBHOOK_EVENT_LABELS = {
    "created": Message("Created"),
    "updated": Message("Changed"),
    "transition": Message("Moved to another state"),
    "deleted": Message("Deleted"),
    "restored": Message("Restored"),
    TEST: Message("Trial"),
}
ENDPOINT_STATE_LABELS = {
    "active": Message("Active"),
    "paused": Message("Paused"),
    "disabled": Message("Switched off"),
}
DELIVERY_STATE_LABELS = {
    "waiting": Message("Waiting"),
    "delivered": Message("Delivered"),
    "failed": Message("Given up"),
    "skipped": Message("Not sent"),
    "dropped": Message("Thrown away"),
}


@dataclass(frozen=True, slots=True)
class EndpointWish:
    """An endpoint as somebody wants it."""

    name: str
    url: str
    entity: str = EVERY_ENTITY
    """Key of an entity, or `*`."""
    events: tuple[str, ...] = WEBHOOK_EVENTS
    fields: tuple[str, ...] = ()
    """Of changes, only those of one of these fields; of all unless given."""
    condition: str = ""
    """An expression: only records for which it holds."""
    owner_id: str | None = None
    """Id of the `user` whose rights say what is told; whoever makes it unless given."""
    skip_own: bool = False
    """Whether changes are left out that the owner's own programs made."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A receiver of changes; times are aware UTC."""

    id: str
    name: str
    url: str
    entity: str
    events: tuple[str, ...]
    fields: tuple[str, ...]
    condition: str
    owner_id: str
    skip_own: bool
    state: EndpointState
    reason: Message | None
    """Why it is not active, when the product itself has said so."""
    place: int
    """The changes up to this number were looked at."""
    failures: int
    """In a row, just now."""
    hold_until: datetime | None
    old_until: datetime | None
    """Until when the secret before this one signs too."""
    created_at: datetime
    created_by: str | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One change that one endpoint is told of; times are aware UTC."""

    id: str
    endpoint_id: str
    seq: int | None
    """Number of the change in the feed; None for a trial."""
    entity: str
    record_id: str
    version: int
    event: str
    changed: tuple[str, ...]
    actor_id: str | None
    at: datetime
    """When the change was made."""
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    done_at: datetime | None
    status: int | None
    """What the receiver answered last."""
    note: Message | None

    @property
    def message_id(self) -> str:
        """Return the `webhook-id`: the same for every attempt, so that a receiver knows what it has had."""
        return f"msg_{self.id.replace('-', '')}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One time that a delivery was sent."""

    id: str
    at: datetime
    milliseconds: int
    status: int | None
    note: Message | None
    answer: str | None
    """The beginning of what the receiver answered; for administrators alone."""
