"""The file of keys that open an account, as sshd(8) describes it under AUTHORIZED_KEYS FILE FORMAT. Pure.

Everything that is no key (comments, blank lines, lines that cannot be understood) is kept as it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

_TYPES = frozenset(
    {
        "ssh-ed25519",
        "ssh-rsa",
        "ssh-dss",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)
_RSA_BITS_MIN = 1024
"""sshd refuses shorter ones: RequiredRSASize of sshd_config(5)."""
_ED25519_BYTES = 32
_OPTIONS = re.compile(r'(?:"(?:\\"|[^"])*"|[^" \t])+')


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key. `options` is what stands before it, empty when nothing does."""

    type: str
    blob: bytes
    comment: str = ""
    options: str = ""

    @property
    def fingerprint(self) -> str:
        """As ssh-keygen(1) shows it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def line(self) -> str:
        """As one line of the file, without its end."""
        return " ".join(filter(None, (self.options, self.type, base64.b64encode(self.blob).decode(), self.comment)))


def checked(text: str) -> Key:
    """The key in `text`, fit to be added. Raises `ValueError`; the message never holds the text."""
    if "PRIVATE KEY" in text:
        raise ValueError("key: this is a private key; give the public one, from the file that ends in .pub")
    key = parse(text)
    if key is None:
        raise ValueError("key: this is no public key; expected a type such as ssh-ed25519, the key and a comment")
    parts = _parts(key.blob)
    if key.type == "ssh-dss":
        raise ValueError("key: sshd does not take ssh-dss any more; use ssh-ed25519")
    if key.type == "ssh-ed25519" and [len(part) for part in parts[1:]] != [_ED25519_BYTES]:
        raise ValueError("key: the ssh-ed25519 key has not the right length; it was cut or changed")
    if key.type == "ssh-rsa" and (len(parts) != 3 or int.from_bytes(parts[2], "big").bit_length() < _RSA_BITS_MIN):
        raise ValueError(f"key: the RSA key is cut or has fewer than {_RSA_BITS_MIN} bits; use ssh-ed25519")
    return key


def parse(line: str) -> Key | None:
    """The key in a line; None when there is none."""
    line = line.strip(" \t\r")
    if not line or line.startswith("#"):
        return None
    plain = _key(line, "")
    if plain is not None:
        return plain
    options = _OPTIONS.match(line)
    return None if options is None else _key(line[options.end() :].lstrip(" \t"), options.group())


def keys(content: bytes) -> list[Key]:
    """The keys of a file in order."""
    return [key for key in map(parse, _lines(content)) if key is not None]


def added(content: bytes, key: Key) -> bytes:
    """The file with one line more. What was there stays as it is; a last line without end gets one."""
    glue = b"\n" if content and not content.endswith(b"\n") else b""
    return content + glue + key.line.encode() + b"\n"


def removed(content: bytes, fingerprint: str) -> bytes:
    """The file without the lines that hold this key; everything else stays as it is."""
    return b"".join(line for line in _split(content) if not _holds(line, fingerprint))


def _split(content: bytes) -> list[bytes]:
    """Lines with their ends; only a newline ends one."""
    return [line + b"\n" for line in content.split(b"\n")[:-1]] + [content.rpartition(b"\n")[2]]


def _holds(line: bytes, fingerprint: str) -> bool:
    key = parse(line.decode("utf-8", "surrogateescape").rstrip("\n"))
    return key is not None and key.fingerprint == fingerprint


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").split("\n")


def _key(text: str, options: str) -> Key | None:
    words = text.split(None, 2)
    if len(words) < 2 or words[0] not in _TYPES:
        return None
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        return None
    parts = _parts(blob)
    if len(parts) < 2 or parts[0] != words[0].encode():
        return None
    return Key(type=words[0], blob=blob, comment=words[2] if len(words) == 3 else "", options=options)


def _parts(blob: bytes) -> list[bytes]:
    """The strings that a key consists of, RFC 4251 section 5; empty when it is cut."""
    parts: list[bytes] = []
    while blob:
        length = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + length:
            return []
        parts.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return parts
