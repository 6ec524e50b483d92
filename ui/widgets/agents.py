"""Browsers and machines as people call them, from what a browser says of itself. It is a hint, and never proof."""

from __future__ import annotations

_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("DingTalk", "DingTalk"),
    ("Lark", "Feishu"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "Python"),
)
"""What stands in it, and what it is then; the first that fits counts, for many claim to be Safari as well."""
_MACHINES = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_LONGEST = 60


def device(agent: str | None) -> str:
    """Return "Firefox · Windows"; the beginning of what it says when neither is known, "" when it says nothing."""
    if not agent:
        return ""
    found = [next((name for mark, name in known if mark in agent), "") for known in (_BROWSERS, _MACHINES)]
    return " · ".join(part for part in found if part) or agent[:_LONGEST]
