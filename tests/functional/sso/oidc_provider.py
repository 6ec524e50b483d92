"""An OpenID provider over real HTTP, that signs real tokens, and that can be told to misbehave."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

CLIENT, SECRET = "guanxi", "kept between the two"
ADA = {"sub": "u-1", "email": "ada@x.example", "email_verified": True, "name": "Ada Elsewhere"}


class Provider:
    """What the provider knows, and what it says."""

    def __init__(self) -> None:
        self.keys: list[RSAKey | ECKey] = [RSAKey.generate_key(2048, {"kid": "one"})]
        self.algorithm = "RS256"
        self.codes: dict[str, dict[str, Any]] = {}
        self.claims: dict[str, Any] = dict(ADA)
        """Of who signs in there next."""
        self.changed: dict[str, Any] = {}
        """Claims that are otherwise than they should be; None leaves one out."""
        self.token: str | None = None
        """The whole token, when it is forged."""
        self.more: Mapping[str, Any] = {}
        """What the userinfo page says."""
        self.described: dict[str, Any] = {}
        """Parts of the description that are otherwise."""
        self.paths: list[str] = []
        self.issuer = ""

    def authorise(self, wanted: Mapping[str, str]) -> str:
        """What the person does there: sign in, and come back with a code."""
        assert wanted["client_id"] == CLIENT
        assert wanted["response_type"] == "code"
        assert wanted["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = dict(wanted)
        return code

    def exchange(self, form: Mapping[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        wanted = self.codes.pop(form.get("code", ""), None)
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode() if authorization else ""
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if wanted is None or pair != f"{CLIENT}:{SECRET.replace(' ', '%20')}":
            return 400, {"error": "invalid_client" if wanted else "invalid_grant"}
        if challenge != wanted["code_challenge"] or form["redirect_uri"] != wanted["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {
            "access_token": "access",
            "token_type": "Bearer",
            "id_token": self.token or self.signed(wanted["nonce"]),
        }

    def signed(self, nonce: str, *, key: Any = None, algorithm: str | None = None) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": nonce, **self.claims}
        claims |= self.changed
        chosen = key or self.keys[-1]
        word = algorithm or self.algorithm
        header = {"alg": word, "kid": chosen.kid}
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(header, kept, chosen, algorithms=[word])

    def forged(self, how: str, nonce: str) -> str:
        """A token that nobody should believe, in one of many ways."""
        good, now = self.signed(nonce), int(time.time())
        header, claims, signature = good.split(".")
        body = {**ADA, "iss": self.issuer, "aud": CLIENT, "exp": now + 60, "iat": now, "nonce": nonce}
        stranger = RSAKey.generate_key(2048, {"kid": "nobody's" if how == "an unknown key" else "one"})
        shown = {"alg": "RS256", "jwk": stranger.as_dict(private=False)}
        ways = {
            "none": lambda: f"{_part({'alg': 'none'})}.{claims}.",
            "None": lambda: f"{_part({'alg': 'None', 'kid': 'one'})}.{claims}.{signature}",
            "hs256 with the public key": lambda: _mac(self.keys[0].as_pem(private=False), body),
            "hs256 with the secret": lambda: _mac(SECRET.encode(), body),
            "another key": lambda: self.signed(nonce, key=stranger),
            "an unknown key": lambda: self.signed(nonce, key=stranger),
            "a key of its own": lambda: jwt.encode(shown, body, stranger, algorithms=["RS256"]),
            "claims of another": lambda: f"{header}.{_part({**body, 'sub': 'u-9'})}.{signature}",
            "no signature": lambda: f"{header}.{claims}.",
        }
        return ways[how]() if how in ways else how

    def answer(self, path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, Any]:
        self.paths.append(path)
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorise?tenant=x",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "end_session_endpoint": f"{self.issuer}/end",
                **self.described,
            }
        if path == "/keys":
            return 200, KeySet(list(self.keys)).as_dict(private=False)
        if path == "/token":
            return self.exchange(form, headers.get("authorization", ""))
        if path == "/userinfo":
            return (200, self.more) if headers.get("authorization") == "Bearer access" else (401, {})
        return 404, {}


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _mac(key: bytes, body: Mapping[str, Any]) -> str:
    text = f"{_part({'alg': 'HS256', 'kid': 'one'})}.{_part(body)}"
    signature = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@contextmanager
def running() -> Iterator[Provider]:
    """Run a provider until the block ends."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.say(
                *provider.answer(
                    urlsplit(self.path).path, {}, {name.lower(): value for name, value in self.headers.items()}
                )
            )

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self.say(
                *provider.answer(
                    urlsplit(self.path).path,
                    dict(parse_qsl(body)),
                    {name.lower(): value for name, value in self.headers.items()},
                )
            )

        def say(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
