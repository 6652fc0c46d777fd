"""Asks the controller to enrol this host, with a join token, until somebody has decided.

The token names the key of the controller, so nothing is believed on first sight. It is kept (0600) until the decision, so that
neither a restart nor a controller that is away ends the request; what has been decided is kept too.
"""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass
from pathlib import Path

import msgspec

from osapi.agent.keys import Keys
from osapi.config import private
from osapi.config.paths import Paths
from osapi.contract.errors import Forbidden, Invalid, NoAnswer, Permanent, Unavailable
from osapi.contract.ids import MachineId
from osapi.fleet.enrolment import wire
from osapi.fleet.enrolment.wire import Answer, Request, Status
from osapi.jobs import envelope, subjects
from osapi.pki import join_token
from osapi.pki.ed25519 import PublicKey
from osapi.pki.join_token import JoinToken
from osapi.telemetry.log import get_logger
from osapi.tls.trust import Trust
from osapi.transport.address import Address, Credentials
from osapi.transport.broker import Broker

_CONNECT_S = 2.0
_ANSWER_S = 5.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 30.0
_UNKNOWN_S = 15.0
"""How long the broker may refuse the token: it may have been made a moment ago, or the broker have just started."""

_log = get_logger(__name__)


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an enrolment: with which token, and where the broker is."""

    token_id: str
    servers: tuple[str, ...]
    namespace: str


@dataclass(frozen=True, kw_only=True)
class Joining:
    """One host that joins. `said` is the token of the settings, or `@` and a file that holds it; empty for none.

    `auth` are the credentials that the settings give for a broker that knows no nkeys; None: those of the token.
    """

    paths: Paths
    said: str
    own: Keys
    machine: MachineId
    hostname: str
    auth: Credentials | None
    trust: Trust | None
    """Whose certificate the broker may have, as the settings say; None: see `Address`."""

    async def run(self) -> None:
        """Return when this host is enrolled, at once if it is, or if there is no token and a controller is known.

        Raises `Invalid` for a token that is none, and `Permanent` when it is refused; the token is then forgotten.
        """
        token = self._token()
        if token is None:
            return
        self._keep("join.token", join_token.encode(token).encode())
        self._keep("join.seed", token.seed.encode())
        try:
            self._finish(token, await self._ask(token))
        except Permanent:
            self._forget()
            raise

    def _token(self) -> JoinToken | None:
        """The token to use; None when there is none, or it has done its work."""
        kept = self._state / "join.token"
        text = self._said() or (kept.read_text() if kept.exists() else "") or self._local()
        token = join_token.decode(text) if text else None
        done = joined(self.paths)
        return None if token is None or (done is not None and done.token_id == token.id) else token

    def _said(self) -> str:
        if not self.said.startswith("@"):
            return self.said
        file = Path(self.said[1:])
        if not file.exists() and joined(self.paths) is not None:
            return ""  # it has done its work and was removed
        return private.read(file).decode(errors="replace")

    def _local(self) -> str:
        """The token that the controller of the same installation has made for its agent; empty for none."""
        found = self.paths.local_join
        return private.read(found).decode(errors="replace") if found.exists() and os.access(found, os.R_OK) else ""

    async def _ask(self, token: JoinToken) -> Answer:
        """Ask until somebody decides; the pauses grow and are random."""
        pause, told = _FIRST_PAUSE_S, ""
        while True:
            answer = await self._answer(token)
            if answer is not None and answer.status is not Status.PENDING:
                return answer
            if answer is not None and answer.reason != told:
                told = answer.reason
                _log.warning("enrolment.pending", fingerprint=self.own.signer.key_id, reason=told)
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter is no secret
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _answer(self, token: JoinToken) -> Answer | None:
        """The controller's answer; None while there is none to be had. Raises `Permanent` for one that is not its own."""
        broker = await self._connect(token)
        payload = envelope.seal(self.own.signer, envelope.JOIN, msgspec.json.encode(self._request()))
        try:
            message = await broker.request(subjects.join_request(token.id), payload, timeout_s=_ANSWER_S)
            return wire.heard(message.data, payload, token.controller)
        except (NoAnswer, Unavailable) as problem:
            _log.info("enrolment.unanswered", error=problem.message)
            return None
        except Forbidden as problem:
            raise Permanent(f"who answered is not the controller of the join token: {problem.message}") from problem
        finally:
            await broker.close()

    def _request(self) -> Request:
        return Request(
            machine_id=self.machine,
            hostname=self.hostname,
            signing_key=self.own.signing_key,
            nonce=os.urandom(16),
        )

    async def _connect(self, token: JoinToken) -> Broker:
        """Connect as the token's user, however long it takes. Raises `Permanent` when the broker does not know it."""
        auth = self.auth or Credentials(nkey_file=self._state / "join.seed")
        address = Address(token.servers, token.namespace, auth, inbox=subjects.join_inbox(token.id), tls=self.trust)
        loop = asyncio.get_running_loop()
        refused: float | None = None
        while True:
            try:
                return await Broker.connect(address, name=f"osapi-join {self.machine}", timeout_s=_CONNECT_S)
            except Unavailable as problem:
                _log.warning("broker.unreachable", error=problem.message)
                is_refused = "authorization" in problem.message.lower()
            refused = (refused or loop.time()) if is_refused else None
            if refused is not None and loop.time() - refused > _UNKNOWN_S:
                raise Permanent(
                    f"the broker at {', '.join(token.servers)} does not know the join token {token.id}: "
                    "it has expired or was revoked; make a new one with `osapi client agent join-token`"
                )
            await asyncio.sleep(_FIRST_PAUSE_S)

    def _finish(self, token: JoinToken, answer: Answer) -> None:
        if answer.status is Status.REJECTED:
            raise Permanent(f"the controller refuses to enrol this host: {answer.reason}")
        trust(self.paths, PublicKey(answer.controller))
        done = Joined(token_id=token.id, servers=token.servers, namespace=token.namespace)
        self._keep("joined.json", msgspec.json.encode(done))
        self._forget()
        _log.info("enrolment.accepted", controller=token.controller)

    def _forget(self) -> None:
        for name in ("join.token", "join.seed"):
            private.remove(self._state / name)

    @property
    def _state(self) -> Path:
        return self.paths.agent_state

    def _keep(self, name: str, content: bytes) -> None:
        private.replace(self._state / name, content)


def joined(paths: Paths) -> Joined | None:
    """How this host was enrolled; None when it was not."""
    try:
        return msgspec.json.decode((paths.agent_state / "joined.json").read_bytes(), type=Joined)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as problem:
        raise Invalid(f"{paths.agent_state / 'joined.json'} cannot be read: {problem}") from problem


def trust(paths: Paths, key: PublicKey) -> None:
    """Believe the controller with this key from now on, and no other."""
    content = key.to_pem()
    path = paths.controller_public_key
    if not path.exists() or path.read_bytes() != content:
        private.private_dir(paths.agent_pki)
        private.replace(path, content, mode=0o644)
