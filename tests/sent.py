"""Forms as Chromium sends them: the test client of Werkzeug leaves the line of an empty value out."""

from __future__ import annotations

from collections.abc import Iterable

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def body_of(values: Iterable[tuple[str, str]], files: Iterable[tuple[str, str, bytes]] = ()) -> bytes:
    """Return the body of a form with values (name, value) and files (name, file name, content)."""
    line = f"--{BOUNDARY}".encode()
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in values]
    for name, file, content in files:
        head = f'Content-Disposition: form-data; name="{name}"; filename="{file}"\r\nContent-Type: text/plain\r\n\r\n'
        parts.append(head.encode() + content)
    return b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + b"--\r\n"
