"""Records that stand for the same thing: found while they are written, by a search through all, and merged."""

from engine.duplicates.lookalikes import Checked, Lookalikes, Side, SuspectPage, Suspects
from engine.duplicates.merging import ALL, MOST, Choice, Merged, MergeLook, Merges
from engine.duplicates.telling import DuplicatesFound, Twin

__all__ = [
    "ALL",
    "MOST",
    "Checked",
    "Choice",
    "DuplicatesFound",
    "Lookalikes",
    "MergeLook",
    "Merged",
    "Merges",
    "Side",
    "SuspectPage",
    "Suspects",
    "Twin",
]
