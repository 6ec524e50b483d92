"""Records that stand for the same thing: found while they are written, by a search through all, and merged."""

from engine.duplicates.choosing import MERGE_ALL, MergeChoice
from engine.duplicates.lookalikes import Checked, Lookalikes, Searched, Side, SuspectPage, Suspects
from engine.duplicates.merging import MOST_MERGED, Merged, MergeLook, Merges
from engine.duplicates.telling import DuplicatesFound, Twin

__all__ = [
    "MERGE_ALL",
    "MOST_MERGED",
    "Checked",
    "DuplicatesFound",
    "Lookalikes",
    "MergeChoice",
    "MergeLook",
    "Merged",
    "Merges",
    "Searched",
    "Side",
    "SuspectPage",
    "Suspects",
    "Twin",
]
