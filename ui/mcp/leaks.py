"""The tools as a channel of the leak tests: every one that reads, in the name of everybody's agent.

The functions behind the tools are asked, so that nothing is counted or written down on a live site.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from engine import ACTIONS, AGENT, AGENT_WRITE, Asking, Channel, GuanxiError, Message, Words, register_channel
from ui.mcp.answers import refused
from ui.mcp.caller import Caller
from ui.mcp.reading import describe_entity, explain_access, find_records, get_record, list_entities

_FEW = 3


def register() -> None:
    """Let the leak tests try the tools."""
    register_channel(Channel("mcp", Message("agents"), _ask, slow=True))


def _ask(asking: Asking) -> Iterator[Words]:
    own = frozenset({"*"}) if asking.person.scopes is None else asking.person.scopes
    caller = Caller(replace(asking.person, scopes=own | {AGENT, AGENT_WRITE}))
    key = asking.entity.key
    if key == "user":
        yield _words(asking, caller, list_entities, {})
    yield _words(asking, caller, describe_entity, {"entity": key})
    for question in _questions(asking):
        yield _words(asking, caller, find_records, {"entity": key, **question})
    for row in asking.some(_FEW):
        record = {"entity": key, "id": row["id"]}
        yield _words(asking, caller, get_record, {**record, "history": True})
        for action in asking.dice.sample(ACTIONS, 2):
            yield _words(asking, caller, explain_access, {**record, "action": action})


def _questions(asking: Asking) -> Iterator[dict[str, Any]]:
    """Yield what can be asked of a list: all of it, words that were planted, and fields that may be closed."""
    entity, dice = asking.entity, asking.dice
    yield {"limit": 50, "count": True}
    words = [text for text, mark in asking.marks.all() if mark.entity == entity.key]
    for text in dice.sample(words, min(len(words), _FEW)):
        yield {"search": text}
    keys = list(entity.fields)
    for key in dice.sample(keys, min(len(keys), _FEW)):
        yield {"fields": [key]}
        yield {"order_by": [key]}
        yield {"where": f"{key} is not None"}
        yield {"group_by": [key], "aggregates": ["count()"]}
    links = [
        each
        for each in entity.fields.values()
        if each.type.links == "one" and each.target in asking.reader.model.entities
    ]
    for link in dice.sample(links, min(len(links), _FEW)):
        inner = dice.choice(list(asking.reader.model.entity(link.target or "").fields))
        yield {"fields": [f"{link.key}.{inner}"]}


def _words(asking: Asking, caller: Caller, tool: Any, given: Mapping[str, Any]) -> Words:
    try:
        answer = tool(asking.site, caller, given)
    except GuanxiError as error:
        answer = refused(error, "en")
    said = {str(each) for value in given.values() for each in (value if isinstance(value, list) else [value])}
    return Words(answer.text().encode(), str(tool.__name__), asking.entity.key, frozenset(said))
