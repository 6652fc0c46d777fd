"""An OpenID Connect issuer as a process: discovery, keys, and a token endpoint, with real RSA and EC keys over HTTP.

    python -m tests.integration.controller.issuer PORT

`POST /token?key=rsa|ec&NAME=JSON…` answers a token with these claims; `POST /rotate` replaces both keys.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

_numbers = itertools.count(1)


class Keys:
    """Two keys, each with an id that no other ever had."""

    def __init__(self) -> None:
        number = next(_numbers)
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.ids = {"rsa": f"rsa-{number}", "ec": f"ec-{number}"}

    def public(self) -> dict[str, Any]:
        rsa_key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.rsa.public_key()))
        ec_key = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.ec.public_key()))
        found = [{**rsa_key, "kid": self.ids["rsa"]}, {**ec_key, "kid": self.ids["ec"]}]
        return {"keys": [{**key, "use": "sig", "key_ops": ["verify"]} for key in found]}

    def sign(self, kind: str, claims: dict[str, Any]) -> str:
        key, algorithm = (self.rsa, "RS256") if kind == "rsa" else (self.ec, "ES256")
        return jwt.encode(claims, key, algorithm, headers={"kid": self.ids[kind]})  # type: ignore[arg-type] # either


class Handler(BaseHTTPRequestHandler):
    """One request."""

    keys = Keys()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def do_GET(self) -> None:
        told = {
            "/.well-known/openid-configuration": {"issuer": self.address, "jwks_uri": f"{self.address}/keys"},
            "/keys": self.keys.public(),
        }
        self._answer(told.get(self.path))

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/rotate":
            Handler.keys = Keys()
            self._answer({})
        else:
            said = {name: json.loads(value) for name, value in parse_qsl(parts.query)}
            kind, now = said.pop("key", "rsa"), int(time.time())
            claims = {"iss": self.address, "aud": "osapi", "sub": "anna", "iat": now, "exp": now + 600, **said}
            self._answer({"access_token": self.keys.sign(kind, claims)})

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(404 if body is None else 200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
