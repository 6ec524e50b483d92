"""Records that stand for the same thing: how values are compared, and the keys by which such records are found.

A record has a key for each smallest set of rules that reaches the threshold: whoever is alike by these rules shares
it. So a check reads a few rows of an index, whatever the number of records, and scores only what it finds there.
"""

from engine.data.alike.keys import MatchKeys, hashes, keys_of, remove_keys, twins, write_keys
from engine.data.alike.rules import Compared, Duplicates, Rule, compared, documents, rule_text
from engine.data.alike.scoring import Reason, Score, read, score

__all__ = [
    "Compared",
    "Duplicates",
    "MatchKeys",
    "Reason",
    "Rule",
    "Score",
    "compared",
    "documents",
    "hashes",
    "keys_of",
    "read",
    "remove_keys",
    "rule_text",
    "score",
    "twins",
    "write_keys",
]
