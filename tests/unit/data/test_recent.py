"""The store of compiled statements keeps what is used and never more than it may."""

from engine.data.recent import Recent


def test_what_was_not_used_for_longest_goes_first() -> None:
    kept: Recent[int] = Recent(2)
    kept.get("a", lambda: 1)
    kept.get("b", lambda: 2)
    kept.get("a", lambda: 0)
    kept.get("c", lambda: 3)

    assert len(kept) == 2
    assert kept.get("a", lambda: 0) == 1
    assert kept.get("b", lambda: 9) == 9


def test_a_value_can_be_replaced() -> None:
    kept: Recent[int] = Recent(2)
    kept.put("a", 1)
    kept.put("a", 2)

    assert (kept.get("a", lambda: 0), len(kept)) == (2, 1)
