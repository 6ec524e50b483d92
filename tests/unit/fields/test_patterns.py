"""A pattern out of a document never holds up the site."""

import time

import pytest

from engine.errors import BadValue
from engine.fields import field_types

ENDLESS = [
    r"(a+)+",
    r"(a*)*b",
    r"((a+)?)+",
    r"(\w+\s?)*",
    r"^(([a-z])+.?)+[A-Z]$",
    r"(?:a|b+)+",
    r"(x(a+)?)*|(a+b*)+",
    r"(?=(a+)+b)a",
    r"(a{0,50}){30}",
    r"(.*)*",
]
SOUND = [
    r"[A-Z]{2}\d{6}",
    r"([A-Z]+-)+\d",
    r"\d+(\.\d+)*",
    r"(ab|cd)+",
    r"(a++)+",
    r"(?>a+)+",
    r"\w+@\w+",
    r"(a+){3}",
    r"(a?b)+",
    r".*x.*",
    r"[一-鿿]{2,4}",
    r"(a)(?(1)b+|c)",
]


@pytest.mark.parametrize("pattern", ENDLESS)
def test_a_repeat_of_a_repeat_is_refused(pattern: str) -> None:
    problems = dict(field_types()["text"].check_options({"pattern": pattern}))

    assert "may take for ever" in str(problems["pattern"])


@pytest.mark.parametrize("pattern", SOUND)
def test_a_sound_pattern_is_taken_and_is_quick(pattern: str) -> None:
    text = field_types()["text"]
    started = time.process_time()

    assert list(text.check_options({"pattern": pattern})) == []
    for wrong in ("a" * 254, "ab" * 127, "1." * 127, "A-" * 127):
        with pytest.raises(BadValue):
            text.parse(wrong + "!", {"pattern": pattern + "#"})
    assert time.process_time() - started < 1
