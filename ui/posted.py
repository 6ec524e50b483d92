"""Forms with files as browsers send them (RFC 7578), read the same in whatever pieces the network delivers them.

Werkzeug's reader takes a line break for part of a value when a piece ends within a boundary (its issue 3285), so a
value would now and then grow a character. Pieces are cut elsewhere here before it sees them.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import IO

from flask import Request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.formparser import FormDataParser

_BREAK = re.compile(rb"[\r\n]")
_MOST_BOUNDARY = 70
"""Characters of a boundary, RFC 2046 section 5.1.1."""
_TAIL = _MOST_BOUNDARY + len("\r\n--" + "--\r\n")


class Whole(BytesIO):
    """A body in pieces of which none ends where a boundary may have begun."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self._held = b""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return some bytes more, up to `size` and what was held back; none at the end."""
        while piece := self._stream.read(size if size is not None else -1):
            data = self._held + piece
            found = _BREAK.search(data, max(0, len(data) - _TAIL))
            end = found.start() if found else len(data)
            if data[end - 1 : end + 1] == b"\r\n":
                end -= 1
            self._held = data[end:]
            if end:
                return data[:end]
        rest, self._held = self._held, b""
        return rest


class FormReader(FormDataParser):
    """Reads what a form sent."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        """Return the stream, the values and the files of a form; as Werkzeug's.

        Raises:
            RequestEntityTooLarge: it has more parts or more text than it may have.
        """
        if mimetype != "multipart/form-data":
            return super().parse(stream, mimetype, content_length, options)
        _, values, files = super().parse(Whole(stream), mimetype, content_length, options)
        return stream, values, files


class PostedRequest(Request):
    """A request whose forms are read by `FormReader`."""

    form_data_parser_class = FormReader
