"""Finds the keys of an issuer: its configuration (OpenID Connect Discovery 1.0, 4), then the keys that it names."""

from __future__ import annotations

import ssl

import httpx2
import msgspec

from osapi.config.oidc_rules import is_safe

TIMEOUT_S = 5.0
_MOST_BYTES = 512 * 1024
_WELL_KNOWN = "/.well-known/openid-configuration"


class DiscoveryFailed(Exception):
    """The keys cannot be had; the text says what went wrong, for the log."""


class _Configuration(msgspec.Struct):
    issuer: str
    jwks_uri: str


class Discovery:
    """Asks one issuer over HTTPS (HTTP on loopback). Redirects are not followed. Raises `OSError` for a bad `ca_file`."""

    def __init__(self, issuer: str, ca_file: str = "") -> None:
        self._issuer = issuer
        trust = ssl.create_default_context(cafile=ca_file or None)
        self._http = httpx2.AsyncClient(verify=trust, timeout=TIMEOUT_S, follow_redirects=False)

    async def close(self) -> None:
        """End open connections."""
        await self._http.aclose()

    async def key_set(self) -> bytes:
        """The document with the keys. Raises `DiscoveryFailed`."""
        found = await self._get(self._issuer.rstrip("/") + _WELL_KNOWN)
        try:
            told = msgspec.json.decode(found, type=_Configuration)
        except msgspec.DecodeError as problem:
            raise DiscoveryFailed(f"its configuration cannot be read: {problem}") from problem
        if told.issuer != self._issuer:
            raise DiscoveryFailed(f"it names itself {told.issuer[:200]}; set the issuer exactly so if it is the one")
        if not is_safe(told.jwks_uri):
            raise DiscoveryFailed(f"its keys are at {told.jwks_uri[:200]}, which is neither https nor loopback")
        return await self._get(told.jwks_uri)

    async def _get(self, address: str) -> bytes:
        try:
            async with self._http.stream("GET", address, headers={"accept": "application/json"}) as answer:
                if answer.status_code != 200:
                    raise DiscoveryFailed(f"{address} answers {answer.status_code}")
                return await _bounded(answer)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as problem:
            raise DiscoveryFailed(f"{address}: {type(problem).__name__} {problem}") from problem


async def _bounded(answer: httpx2.Response) -> bytes:
    found = bytearray()
    async for block in answer.aiter_bytes():
        found += block
        if len(found) > _MOST_BYTES:
            raise DiscoveryFailed(f"{answer.url} says more than {_MOST_BYTES} bytes")
    return bytes(found)
