"""Filling in a form as a browser without scripts does: what stands in the page is sent back with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.functional.screens.world import Web
from tests.sent import CONTENT_TYPE, body_of


class _Reader(HTMLParser):
    """Collects the controls of the form with inputs of fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.values: MultiDict[str, str] = MultiDict()
        self.names: set[str] = set()
        self.options: dict[str, list[str]] = {}
        self.problems: dict[str, list[str]] = {}
        self._inside = False
        self._field = ""
        self._select = ""
        self._text: str | None = None
        self._wrong = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: C901 - one case for each tag
        given = {key: value or "" for key, value in attrs}
        if tag == "form":
            self._inside = "data-guard" in given
            if self._inside:
                self.action = given["action"]
        if not self._inside:
            return
        self._field = given.get("data-field", self._field)
        name = given.get("name", "")
        if name:
            self.names.add(name)
        if tag == "input" and name and given.get("type") != "file":
            ticked = given.get("type") not in {"checkbox", "radio"} or "checked" in given
            if given.get("type") in {"checkbox", "radio"}:
                self.options.setdefault(name, []).append(given.get("value", ""))
            if ticked:
                self.values.add(name, given.get("value", ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            self.options.setdefault(self._select, []).append(given.get("value", ""))
            if "selected" in given:
                self.values.add(self._select, given.get("value", ""))
        elif tag == "textarea":
            self._select, self._text = name, ""
        elif tag == "p" and "field-wrong" in given.get("class", ""):
            self._wrong = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "textarea" and self._text is not None:
            # The first line break of a text area is no part of what is in it.
            self.values.add(self._select, self._text.removeprefix("\n"))
            self._select, self._text = "", None
        elif tag == "select":
            offered = self.options.get(self._select, [])
            if self._select not in self.values and offered:
                self.values.add(self._select, offered[0])
            self._select = ""
        elif tag == "p":
            self._wrong = False

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text += data
        elif self._wrong:
            self.problems.setdefault(self._field, []).append(data)


@dataclass
class Form:
    """One form on a page."""

    web: Web
    page: str
    action: str
    values: MultiDict[str, str]
    names: set[str]
    options: dict[str, list[str]]
    problems: dict[str, list[str]]
    files: dict[str, Any] = field(default_factory=dict)

    def fill(self, **values: Any) -> Form:
        """Type values; `__` in a name stands for `-`. A list ticks boxes, None unticks, a tuple is (bytes, name)."""
        for key, value in values.items():
            name = key.replace("__", "-")
            assert name in self.names, f"the form has no {name}: {sorted(self.names)}"
            if isinstance(value, tuple):
                self.files[name] = [(BytesIO(value[0]), value[1])]
            elif value is None:
                self.values.poplist(name)
            else:
                self.values.setlist(name, value if isinstance(value, list) else [value])
        return self

    def send(self, **more: str) -> TestResponse:
        """Press the button."""
        data: dict[str, Any] = {name: list(values) for name, values in self.values.lists()}
        data.update({name: [value] for name, value in more.items()})
        files = [(name, file, stream.read()) for name, sent in self.files.items() for stream, file in sent]
        values = [(name, value) for name, given in data.items() for value in given]
        return self.web.client.post(
            self.action,
            data=body_of(values, files),
            content_type=CONTENT_TYPE,
            headers={"Accept-Language": self.web.language, **self.web.headers},
        )

    def saved(self, **more: str) -> str:
        """Press the button, and return the address that it leads to."""
        response = self.send(**more)
        again = form_on(self.web, response.text)
        assert response.status_code == 303, (response.status_code, again.problems, response.text[-1500:])
        return response.headers["Location"]

    def refused(self, status: int = 422, **more: str) -> Form:
        """Press the button, and return the form as it comes back."""
        response = self.send(**more)
        assert response.status_code == status, response.status_code
        return form_on(self.web, response.text)


def form_on(web: Web, page: str) -> Form:
    """Return the form on a page."""
    reader = _Reader()
    reader.feed(page)
    return Form(web, page, reader.action, reader.values, reader.names, reader.options, reader.problems)


def form_at(web: Web, address: str) -> Form:
    """Open the page of a form."""
    return form_on(web, web.text(address))
