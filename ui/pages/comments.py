"""Comments: written, changed, taken back, answered with a sign, and kept on top of a record."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from engine import AccessDenied, GuanxiError, Message, NotFound, Reader, RecordInvalid, acting_person, is_id
from ui.asking import language, principal, reading, site
from ui.frame import is_fragment, notice, page
from ui.pages.attachments import received
from ui.pages.editing import said_title
from ui.pages.listing import entity_of, locale_of
from ui.pages.mentions import mentioned
from ui.pages.stream import Compose, answered
from ui.safe import own_path

routes = Blueprint("comments", __name__)


@routes.post("/<entity>/<uuid:record_id>/comments")
def write(entity: str, record_id: Any) -> Response:
    """Write a comment, with the files that came along, and tell those whom it names."""
    id_, body = str(record_id), request.form.get("body", "").replace("\r\n", "\n").strip()
    public = request.form.get("public") == "1"
    compose = Compose(body, public, request.form.get("parent", ""), chosen=request.form.getlist("mention"))
    with reading() as reader:
        _require(reader, entity, id_)
        named = mentioned(reader, entity, id_, body, compose.chosen)
    compose.problems = [each.in_(language()) for each in named.problems]
    sent = [each for each in request.files.getlist("files") if each.filename]
    if not body and not sent:
        compose.problems = [Message("Write something, or choose a file").in_(language())]
    if named.blind and request.form.get("share") == "1" and not compose.problems:
        named.blind = _shared(entity, id_, named.blind, compose)
    compose.blind = named.blind
    if compose.wrong:
        return answered(entity, id_, compose)
    if sent:
        problems = received(entity, id_, sent)
        if problems:
            compose.problems = problems
            return answered(entity, id_, compose)
    if body:
        values: dict[str, Any] = {"record_entity": entity, "record_id": id_, "body": body}
        values |= {"mentions": named.keys} if named.keys else {}
        values |= {"internal": False} if public else {}
        values |= {"parent": compose.parent} if is_id(compose.parent) else {}
        try:
            site().records.create(principal(), "comment", [values], via="web")
        except RecordInvalid as refused:
            compose.problems = [each.message.in_(language()) for each in refused.problems]
    return answered(entity, id_, compose)


def _shared(entity: str, record_id: str, people: list[tuple[str, str]], compose: Compose) -> list[tuple[str, str]]:
    """Share a record with people who are named; return those with whom that did not work."""
    left = []
    for user_id, name in people:
        try:
            site().records.share(principal(), entity, record_id, "user", user_id, "read", via="web")
        except (AccessDenied, RecordInvalid, NotFound) as refused:
            left.append((user_id, name))
            compose.problems = [*compose.problems, refused.in_(language())]
    return left


@routes.route("/<entity>/<uuid:record_id>/comments/<uuid:comment_id>", methods=["GET", "POST"])
def change(entity: str, record_id: Any, comment_id: Any) -> Response | str:
    """Show the form of a comment, and keep what was changed in it."""
    id_, comment = str(record_id), str(comment_id)
    problems: list[str] = []
    with reading() as reader:
        known = entity_of(reader, entity)
        row = _comment(reader, entity, id_, comment, ("update",))
        if not row.may("update"):
            raise AccessDenied(Message("Only who wrote a comment may change it"), entity="comment", action="update")
        values = row.values()
        body, chosen = values["body"], list(values.get("mentions") or ())
        public = values.get("internal") is False
        if request.method == "POST":
            body = request.form.get("body", "").replace("\r\n", "\n").strip()
            named = mentioned(reader, entity, id_, body, [*chosen, *request.form.getlist("mention")])
            problems = [each.in_(language()) for each in named.problems]
            problems += [
                Message("{name} may not see this; share it with them first", name=name).in_(language())
                for _id, name in named.blind
            ]
            chosen = named.keys
            public = request.form.get("public") == "1"
        title = said_title(reader.record(entity, id_, (known.title,)).values(), known, locale_of(reader))
    if request.method == "POST" and not problems:
        try:
            change_ = {"id": comment, "body": body, "mentions": chosen, "internal": not public}
            change_["version"] = row.version
            site().records.update(principal(), "comment", [change_], via="web")
        except RecordInvalid as refused:
            problems = [each.message.in_(language()) for each in refused.problems]
        else:
            return answered(entity, id_)
    shown: dict[str, Any] = {
        "entity": known, "record_id": id_, "here": f"/{entity}/{id_}", "comment_id": comment, "body": body,
        "chosen": chosen, "problems": problems, "title": title, "public": public,
    }  # fmt: skip
    status = 422 if problems else 200
    if is_fragment():
        return make_response(render_template("_comment_form.html", **shown), status)
    with reading() as reader:
        return make_response(page("comment.html", reader, **shown), status)


@routes.post("/<entity>/<uuid:record_id>/comments/<uuid:comment_id>/delete")
def delete(entity: str, record_id: Any, comment_id: Any) -> Response:
    """Put a comment into the recycle bin; the notice takes it back."""
    id_ = str(record_id)
    with reading() as reader:
        _comment(reader, entity, id_, str(comment_id))
    change_set = site().records.begin_set(principal(), "delete", entity="comment")
    site().records.delete(principal(), "comment", [str(comment_id)], via="web", change_set=change_set)
    notice(Message("The comment was deleted"), undo=f"/comment/undo/{change_set}")
    return redirect(own_path(request.form.get("back", ""), f"/{entity}/{id_}/stream"), 303)


@routes.post("/<entity>/<uuid:record_id>/comments/<uuid:comment_id>/sign")
def sign(entity: str, record_id: Any, comment_id: Any) -> Response:
    """Put a sign beside a comment, or take it away."""
    id_, comment, me = str(record_id), str(comment_id), acting_person(principal())
    with reading() as reader:
        _comment(reader, entity, id_, comment)
    site().notices.posts.toggle(comment, me, request.form.get("sign", ""))
    return answered(entity, id_)


@routes.post("/<entity>/<uuid:record_id>/comments/<uuid:comment_id>/pin")
def pin(entity: str, record_id: Any, comment_id: Any) -> Response:
    """Let a comment stay on top of its record, or no longer; it takes the right to change the record."""
    id_, comment, me = str(record_id), str(comment_id), acting_person(principal())
    with reading() as reader:
        known = entity_of(reader, entity)
        _comment(reader, entity, id_, comment)
        if not reader.record(entity, id_, (known.title,), ("update",)).may("update"):
            raise AccessDenied(Message("Only who may change a record pins comments on it"), entity=entity)
    posts = site().notices.posts
    if request.form.get("pin") == "1":
        try:
            posts.pin(entity, id_, comment, me)
        except GuanxiError as refused:
            return answered(entity, id_, Compose(problems=[refused.in_(language())]))
    else:
        posts.unpin(entity, id_, comment)
    return answered(entity, id_)


def _require(reader: Reader, entity: str, record_id: str) -> None:
    known = entity_of(reader, entity)
    reader.record(entity, record_id, (known.title,))
    if "comments" not in known.features:
        raise NotFound(Message("{plural} have no comments", plural=known.plural))


def _comment(reader: Reader, entity: str, record_id: str, comment_id: str, abilities: tuple[str, ...] = ()) -> Any:
    """Return a comment of a record.

    Raises:
        NotFound: there is none, or who reads may not see it.
    """
    row = reader.record(
        "comment", comment_id, ("record_entity", "record_id", "body", "mentions", "internal"), abilities
    )
    values = row.values()
    if (values["record_entity"], values["record_id"]) != (entity, record_id):
        raise NotFound(Message("There is no such record"))
    return row
