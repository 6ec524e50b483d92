"""What a form says of duplicates is tried as every other way to be told something."""

from pathlib import Path

import pytest

from engine.duplicates import telling
from tests.functional.leaks.world import world

DOCUMENTS = """
entity: client
label: {en: Client, zh: 委托人}
title: name
features: [owned, history]
fields:
  name: {type: text, required: true}
  mobile: {type: phone}
  code: {type: text}
---
duplicate: client.same
entity: client
rules: {name: {fields: [name], method: fuzzy}, mobile: {fields: [mobile], method: phone}, code: {fields: [code]}}
---
role: clerk
label: {en: Clerk, zh: 文员}
grants:
  client: {read: [own], create: all, update: [own]}
"""


def test_what_a_form_tells_of_duplicates_is_no_leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path / "sound", DOCUMENTS, 11, people=3, rows=6, roles=0, held=("clerk",)) as made:
        report = made.scan(("duplicates",))
        assert report.questions
        assert not report.leaks

        # One that told the title of what may not be read would be found.
        real = telling._twin  # noqa: SLF001 - what is broken here

        def telling_all(unit: object, model: object, match: object, owners: object) -> object:
            match.stored.readable = True  # type: ignore[attr-defined]
            return real(unit, model, match, owners)  # type: ignore[arg-type]

        monkeypatch.setattr(telling, "_twin", telling_all)
        assert {leak.channel for leak in made.scan(("duplicates",)).leaks} == {"duplicates"}
