"""The one door to the outside: whatever the site itself connects to goes through `Outbound`."""

from engine.outbound.addresses import Allowance
from engine.outbound.session import Asked, Outbound, OutboundFailed, OutboundRefused, Reply

__all__ = ["Allowance", "Asked", "Outbound", "OutboundFailed", "OutboundRefused", "Reply"]
