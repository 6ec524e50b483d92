"""What people write in comments: plain text with a few marks, shown as HTML in which nothing else can stand.

The marks are the usual ones of chats: **bold**, *slanted*, ~~struck~~, `code`, lists, `- [ ]` boxes, quotes. Text is
escaped first and marks become tags after, and a cleaner looks over the whole, so no text can bring tags of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from markupsafe import Markup, escape

_INLINE: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])"), r"<em>\1</em>"),
    (re.compile(r"~~(?=\S)(.+?)(?<=\S)~~"), r"<s>\1</s>"),
)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\bhttps?://[^\s<>\"'`，。；！？、）】]+")
_TAIL = re.compile(r"(?:&(?:lt|gt|quot|#39|#34);|[.,;:!?)\]}])+$")
_BULLET = re.compile(r"[-*•]\s+(?:\[([ xX])\]\s+)?(.*)")
_NUMBER = re.compile(r"\d{1,3}[.)、]\s*(.*)")
_QUOTE = re.compile(r"&gt;\s?(.*)")
_HELD = re.compile("\x00(\\d+)\x00")
_TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "ul", "ol", "li", "blockquote", "a", "span"}


def talk(body: str, names: Iterable[str] = ()) -> Markup:
    """Return a comment as HTML; `names` are those that stand in it behind an @ and mean somebody."""
    import nh3

    held: list[str] = []

    def hold(html: str) -> str:
        held.append(html)
        return f"\x00{len(held) - 1}\x00"

    text = str(escape(body.replace("\x00", "")))
    for name in sorted({str(escape(each)) for each in names if each}, key=len, reverse=True):
        text = text.replace(f"@{name}", hold(f'<span class="mention">@{name}</span>'))
    text = _CODE.sub(lambda found: hold(f"<code>{found[1]}</code>"), text)
    text = _LINK.sub(lambda found: _linked(found[0], hold), text)
    html = "".join(_blocks(text.split("\n")))
    while _HELD.search(html):
        html = _HELD.sub(lambda found: held[int(found[1])], html)
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}, "span": {"class"}, "li": {"class"}, "ul": {"class"}},
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(clean)  # noqa: S704 - cleaned


def _linked(address: str, hold: Callable[[str], str]) -> str:
    tail = _TAIL.search(address)
    shown, rest = (address[: tail.start()], tail[0]) if tail is not None else (address, "")
    return hold(f'<a href="{shown}">{shown}</a>') + rest


def _blocks(lines: Sequence[str]) -> Iterable[str]:
    """Yield paragraphs, lists and quotes of lines that are escaped."""
    open_tag, kept = "", list[str]()

    def close() -> Iterable[str]:
        if kept:
            inner = "<br>".join(kept) if open_tag in {"p", "blockquote"} else "".join(kept)
            yield f"<{open_tag}>{inner}</{open_tag}>"
        kept.clear()

    for line in lines:
        tag, words = _block(line.strip())
        if tag != open_tag:
            yield from close()
            open_tag = tag
        if tag:
            kept.append(words)
    yield from close()


def _block(line: str) -> tuple[str, str]:
    """Return the tag that a line stands in, and the line as it stands there."""
    if not line:
        return "", ""
    if (found := _BULLET.fullmatch(line)) is not None:
        box = {"": "", " ": "☐ ", "x": "☑ ", "X": "☑ "}[found[1] or ""]
        return "ul", f'<li class="{"box" if box else "dot"}">{box}{_inline(found[2])}</li>'
    if (found := _NUMBER.fullmatch(line)) is not None:
        return "ol", f"<li>{_inline(found[1])}</li>"
    if (found := _QUOTE.fullmatch(line)) is not None:
        return "blockquote", _inline(found[1])
    return "p", _inline(line)


def _inline(text: str) -> str:
    for pattern, with_ in _INLINE:
        text = pattern.sub(with_, text)
    return text
