"""`type: rating`: so many stars."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from engine.fields.base import Locale, Options, register
from engine.fields.cleaning import narrow
from engine.fields.integer import Integer
from engine.i18n import Message

MAX = 5
_STARS = re.compile("(★*)☆*(?<=[★☆])")
_OF = re.compile(r"\s*(\d{1,2})\s*/\s*(\d{1,2})\s*", re.ASCII)


@register
class Rating(Integer):
    """A whole number from 1 to `max`; no stars is nothing, not zero."""

    name = "rating"
    properties = {
        "max": {
            "description": "How many stars there are.",
            "type": "integer",
            "minimum": 2,
            "maximum": 10,
            "default": MAX,
            "x-layer": "widen",
        }
    }

    def parser(self, options: Options) -> Callable[[Any], int | None]:
        most = options.get("max", MAX)
        whole = super().parser({"min": 1, "max": most})

        def parse(raw: Any) -> int | None:
            if isinstance(raw, str):
                text = narrow(raw).strip()
                if (stars := _STARS.fullmatch(text)) is not None:
                    raw = len(stars[1]) or None
                elif (of := _OF.fullmatch(text)) is not None and int(of[2]) == most:
                    raw = of[1]
            return whole(raw)

        return parse

    def displayer(self, options: Options, locale: Locale) -> Callable[[Any], str]:
        most = options.get("max", MAX)
        return lambda value: "" if value is None else "★" * value + "☆" * (most - value)

    def json_schema(self, options: Options) -> dict[str, Any]:
        return {"type": "integer", "minimum": 1, "maximum": options.get("max", MAX)}

    def check_options(self, options: Options) -> Iterable[tuple[str, Message]]:
        return ()
