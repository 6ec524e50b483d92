"""`guanxi secrets`: the keys of secret values."""

from __future__ import annotations

from pathlib import Path

import click

from engine import Message, encryption, reindex_keys, rewrap_keys, rotate_keys, write_new_key
from ui.cli.command import DONE, PROBLEMS, Command, Face, Group, Option, pass_face, shared


@click.group(cls=Group)
@shared
def secrets() -> None:
    """Look at the keys of secret values, and change them."""


@secrets.command(cls=Command)
@shared
@pass_face
def show(face: Face) -> int:
    """Show the keys, and how many values each has sealed."""
    with face.site(published=True) as site:
        found = encryption(site)
    for key in found.keys:
        state = Message("{values} values", values=key.values) if key.purpose == "data" else Message("for look-ups")
        line = f"{key.id:14}{face.words(_STATES[key.state]):10}{str(key.created_at)[:10]}  {face.words(state)}"
        face.say(line)
        if not key.opens:
            face.say(Message("    The key that the site is given does not open it"), error=True)
        elif not key.wrapped_now:
            face.say(Message("    A former key wraps it: run `guanxi secrets rewrap`"))
    for field in found.fields:
        face.say(Message("{field}: {count} values", field=field.name, count=field.values))
        if "" in field.keys:
            face.say(Message("    Some of them are not encrypted"), error=True)
    if found.unfinished:
        face.say(Message("A rotation was broken off: run `guanxi secrets rotate` to end it"))
    face.answer(
        {
            "keys": [
                {
                    "id": key.id,
                    "purpose": key.purpose,
                    "state": key.state,
                    "created_at": str(key.created_at),
                    "values": key.values,
                    "opens": key.opens,
                    "wrapped_now": key.wrapped_now,
                }
                for key in found.keys
            ],
            "fields": [{"field": each.name, "values": each.values, "keys": list(each.keys)} for each in found.fields],
        }
    )
    return DONE if all(key.opens for key in found.keys) else PROBLEMS


_STATES = {
    "active": Message("in use"),
    "leaving": Message("leaving"),
    "retired": Message("retired"),
}


@secrets.command("new-key", cls=Command)
@shared
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@pass_face
def new_key(face: Face, file: Path) -> None:
    """Write a new random key into a file that only its owner can read."""
    write_new_key(file)
    face.say(Message("Wrote a new key into {file}", file=str(file)))
    face.answer({"file": str(file)})


@secrets.command(cls=Command)
@shared
@click.option(
    "--index", is_flag=True, help="A new key of the blind indexes instead; writers wait meanwhile.", cls=Option
)
@pass_face
def rotate(face: Face, index: bool) -> int:  # noqa: FBT001 - click's own shape
    """Make a new data key and seal every value with it, while others work; goes on where it was broken off."""
    if index:
        with face.site(published=True) as site:
            count = reindex_keys(site)
        face.say(Message("{count} blind indexes were written anew", count=count))
        face.answer({"indexes": count})
        return DONE
    with face.site(published=True) as site:
        total = sum(field.values for field in encryption(site).fields)
        with face.progress(Message("Sealing"), total) as move:
            done = rotate_keys(site, progress=move)
    if done.resumed:
        face.say(Message("Went on with a rotation that was broken off"))
    face.say(Message("{count} values are sealed with the new key {key}", count=done.sealed, key=done.key))
    if done.unreadable:
        face.say(Message("{count} values open with no key and stay as they are", count=done.unreadable), error=True)
    face.answer(
        {
            "key": done.key,
            "resumed": done.resumed,
            "sealed": done.sealed,
            "unreadable": done.unreadable,
            "dropped": list(done.dropped),
        }
    )
    return PROBLEMS if done.unreadable else DONE


@secrets.command(cls=Command)
@shared
@pass_face
def rewrap(face: Face) -> None:
    """Wrap the data keys with the key that guanxi.yaml gives now; the former one stands in secrets, old_keys."""
    with face.site(published=True) as site:
        changed = rewrap_keys(site)
    face.say(Message("{count} data keys were wrapped anew", count=changed))
    face.answer({"rewrapped": changed})
