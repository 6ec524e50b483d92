"""Alarms: documents say what is watched, what rings is kept in an inbox and told by mail."""

from engine.alarms.alarms import Alarms
from engine.alarms.raised import ALERT_STATES, Inbox, Raised
from engine.alarms.telling import alert_figures, alert_helps, alert_labels
from engine.alarms.upkeep import Upkeep

__all__ = ["ALERT_STATES", "Alarms", "Inbox", "Raised", "Upkeep", "alert_figures", "alert_helps", "alert_labels"]
