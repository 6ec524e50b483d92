"""Marks stand for values of every type, also for those that have no hash."""

import pytest

from engine.data.marks import MARK, mark
from tests.metadata.clinic import model

FIELDS = """
entity: thing
title: name
fields:
  name: {type: text}
  extra: {type: json}
  place: {type: address}
  words: {type: tags}
"""


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("extra", {"a": [1, {"b": 2}]}, MARK),
        ("extra", [], None),
        ("place", {"city": "Bonn"}, MARK),
        ("words", ["a", "b"], MARK),
        ("words", (), None),
        ("name", "", None),
        ("name", "Anna", MARK),
    ],
)
def test_a_mark_stands_for_whatever_is_there(key: str, value: object, shown: str | None) -> None:
    assert mark(model(FIELDS).entity("thing").fields[key], value) == shown
