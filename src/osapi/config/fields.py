"""Building blocks of the settings models: types that recur, and sections that appear more than once.

Every field carries its unit in its type or name, its default, and a description in `Meta`, which
becomes the reference page. `SENSITIVE` marks values that no message may repeat.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

SENSITIVE = "sensitive"

Port = Annotated[int, Meta(ge=1, le=65535)]
Count = Annotated[int, Meta(ge=0)]
Replicas = Annotated[int, Meta(ge=0, le=5)]
Storage = Literal["file", "memory"]
AuthType = Literal["", "none", "user_pass", "nkey"]
KEYLESS: frozenset[AuthType] = frozenset({"none", "user_pass"})
"""With these the broker cannot tell its users apart: nobody has a key of his own there."""
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+$")]
OptionalName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]*$")]
Subject = Annotated[str, Meta(pattern=r"^([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)?$")]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all sections of the settings."""


class ClientAuth(Section, frozen=True, kw_only=True):
    """How a program proves to the broker who it is."""

    type: Annotated[
        AuthType,
        Meta(
            description="`none`, `user_pass` or `nkey`; empty: the key that the first start made, if it is there, else none."
        ),
    ] = ""
    username: Annotated[str, Meta(description="Name for `user_pass`.")] = ""
    password: Annotated[str, Meta(description="Password for `user_pass`.", extra={SENSITIVE: True})] = ""
    nkey_file: Annotated[
        str, Meta(description="File with the nkey seed for `nkey`; empty: the one that the first start made.")
    ] = ""


class ServerTls(Section, frozen=True, kw_only=True):
    """The certificate that a server shows. Both or neither; replaced files are used without a restart."""

    cert: Annotated[
        str, Meta(description="PEM file of the certificate, with those between it and the authority. Empty: no TLS.")
    ] = ""
    key: Annotated[str, Meta(description="PEM file of its key, without a passphrase.")] = ""


class ClientTls(Section, frozen=True, kw_only=True):
    """Whom a program trusts at the broker. TLS is used when one of these is set or `host` begins with `tls://`."""

    ca: Annotated[str, Meta(description="PEM file of the authorities to trust. Empty: those of the system.")] = ""
    server_name: Annotated[
        str, Meta(description="Name that the broker's certificate must have. Empty: the one in `host`.")
    ] = ""
    cert: Annotated[
        str, Meta(description="PEM file of the certificate to show to a broker that asks for one. Empty: none.")
    ] = ""
    key: Annotated[str, Meta(description="PEM file of its key, without a passphrase.")] = ""


class Metrics(Section, frozen=True, kw_only=True):
    """Where a program shows its figures."""

    enabled: Annotated[bool, Meta(description="Whether to serve metrics.")] = False
    host: Annotated[str, Meta(description="Address to serve them on; empty means 127.0.0.1.")] = "127.0.0.1"
    tls: ServerTls = ServerTls()


class Namespaced(Section, frozen=True, kw_only=True):
    """The part of a broker address that keeps several installations on one broker apart."""

    namespace: Annotated[
        OptionalName,
        Meta(
            description="Prefix of every subject (`<namespace>.`) and of every stream and bucket (`<namespace>-`); "
            "the same for broker, controller and agents. Empty: no prefix."
        ),
    ] = ""


class ProcessConditions(Section, frozen=True, kw_only=True):
    """When a program of OSAPI itself counts as being under pressure."""

    memory_pressure_bytes: Annotated[
        Count, Meta(description="Resident memory in bytes above which ProcessMemoryPressure holds; 0 never.")
    ] = 0
    high_cpu_percent: Annotated[
        float, Meta(ge=0, description="CPU use in percent of one core above which ProcessHighCPU holds; 0 never.")
    ] = 0.0
