"""Where the broker is, who we are there, and the namespace that keeps installations apart.

Callers speak of `jobs.>` and `job-queue`; only this package sees `site1.jobs.>` and `site1-job-queue`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from osapi.tls.trust import Trust


@dataclass(frozen=True)
class Credentials:
    """How to prove who we are: user and password, or an nkey seed file, or nothing at all.

    `nkey_file` holds a user seed ("SU…") and wins over a password. A replaced key needs a restart.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    nkey_file: Path | None = None


@dataclass(frozen=True)
class Address:
    """The servers of one broker, tried in random order, each as `nats://host:port`, or `tls://host:port`.

    `tls` says whom to trust; without it, over `tls`, the authorities of the system count. One server with TLS wants it of all.

    `inbox` is the subject under which answers to this connection arrive; it begins with `_INBOX`. Give
    every agent its own, so that its broker permissions can be limited to it.
    """

    servers: tuple[str, ...]
    namespace: str = ""
    auth: Credentials = Credentials()
    inbox: str = "_INBOX"
    tls: Trust | None = None

    @property
    def trust(self) -> Trust | None:
        """Whom to trust over TLS; None: there is no TLS."""
        return self.tls or (Trust() if any(server.startswith("tls://") for server in self.servers) else None)

    @property
    def names(self) -> Names:
        return Names(self.namespace)


@dataclass(frozen=True)
class Names:
    """Puts the namespace in front of names and takes it off again. An empty namespace changes nothing.

    Subjects of the broker itself (`$JS…`, `$KV…`) and inboxes (`_INBOX…`) are not prefixed; inside
    them, the names of streams and buckets are.
    """

    namespace: str = ""

    def subject(self, subject: str) -> str:
        """`jobs.x` as the broker knows it."""
        if not self.namespace or subject.startswith(("$", "_INBOX")):
            return subject
        return f"{self.namespace}.{subject}"

    def bare(self, subject: str) -> str:
        """The subject as callers know it."""
        return subject.removeprefix(f"{self.namespace}.") if self.namespace else subject

    def stream(self, name: str) -> str:
        """`JOBS` as the broker knows it; the same rule serves buckets and object stores."""
        return f"{self.namespace}-{name}" if self.namespace else name

    def bare_stream(self, name: str) -> str:
        """The name of a stream as callers know it; `KV_` or `OBJ_` before that of a bucket or object store stays."""
        for kind in ("KV_", "OBJ_", ""):
            if self.namespace and name.startswith(f"{kind}{self.namespace}-"):
                return kind + name.removeprefix(f"{kind}{self.namespace}-")
        return name

    def bucket_stream(self, bucket: str) -> str:
        """The stream that holds a bucket (NATS ADR-8)."""
        return f"KV_{self.stream(bucket)}"

    def bucket_prefix(self, bucket: str) -> str:
        """What stands before every key of a bucket, with the dot (NATS ADR-8)."""
        return f"$KV.{self.stream(bucket)}."

    def object_stream(self, store: str) -> str:
        """The stream that holds an object store (NATS ADR-20)."""
        return f"OBJ_{self.stream(store)}"

    def object_prefix(self, store: str) -> str:
        """What stands before every subject of an object store, with the dot (NATS ADR-20)."""
        return f"$O.{self.stream(store)}."
