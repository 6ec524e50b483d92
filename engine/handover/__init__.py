"""Hand-over: what is to be done when a person leaves, from the first count to the last record, and back."""

from engine.handover.assignments import Assignment
from engine.handover.handovers import Handovers
from engine.handover.planning import HandoverPlan, Part, Preview, Remaining
from engine.handover.store import Handover

__all__ = ["Assignment", "Handover", "HandoverPlan", "Handovers", "Part", "Preview", "Remaining"]
