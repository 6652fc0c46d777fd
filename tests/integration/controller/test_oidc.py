"""Bearer tokens of another issuer, which is a process of its own with keys of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from tests.figures import figures
from tests.integration.controller.conftest import QUICK, MakeController
from tests.integration.controller.kit import ControllerProcess, free_port, until

pytestmark = pytest.mark.timeout(120)
RULES = [
    {"value": "ops", "roles": ["admin"]},
    {"value": "web", "roles": ["web"]},
]


@dataclass
class IssuerProcess:
    """The issuer; `start` again is a restart with new keys."""

    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        line = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "tests.integration.controller.issuer"]
        self.process = subprocess.Popen([*line, str(self.port)])
        until(self._answers)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def token(self, key: str = "rsa", **claims: Any) -> str:
        query = urlencode({name: json.dumps(value) for name, value in {"key": key, **claims}.items()})
        found: str = json.loads(self._post(f"/token?{query}"))["access_token"]
        return found

    def rotate(self) -> None:
        self._post("/rotate")

    def _post(self, path: str) -> bytes:
        with urlopen(Request(self.address + path, method="POST")) as answer:
            found: bytes = answer.read()
        return found

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.address}/keys"):
                return True
        except OSError:
            return False


@pytest.fixture
def issuer() -> Iterator[IssuerProcess]:
    process = IssuerProcess()
    process.start()
    yield process
    process.stop()


def made(make: MakeController, issuer: IssuerProcess, **oidc: Any) -> ControllerProcess:
    section = {"issuer": issuer.address, "rules": RULES, **oidc}
    api = QUICK["api"]
    return make(api={**api, "security": {**api["security"], "oidc": section}})  # type: ignore[dict-item] # a section


@pytest.mark.parametrize("key", ["rsa", "ec"])
def test_a_token_of_the_issuer_is_worth_what_the_rules_say_and_the_audit_tells_whose_it_is(
    make_controller: MakeController, issuer: IssuerProcess, key: str
) -> None:
    controller = made(make_controller, issuer)
    admin = issuer.token(key, roles=["ops"])
    assert controller.get("/api/job", admin).status == 200
    assert controller.get("/api/agent", issuer.token(key, roles=["web"])).status == 403
    assert controller.get("/api/job", issuer.token(key)).status == 403
    assert controller.get("/api/job", issuer.token(key, roles=["ops"], aud="elsewhere")).status == 401
    assert controller.get("/api/job", controller.token("admin")).status == 200, "our own tokens go on"
    user = f"{issuer.address}#anna"
    page = until(lambda: controller.get(f"/api/audit?{urlencode({'user': user})}", admin).json["items"])
    assert {item["user"] for item in page} == {user}


def test_a_token_of_the_issuer_can_be_revoked(make_controller: MakeController, issuer: IssuerProcess) -> None:
    controller = made(make_controller, issuer)
    text, admin = issuer.token(roles=["ops"]), controller.token("admin")
    assert controller.get("/api/job", text).status == 200
    answer = controller.call("POST", "/api/token/revoke", admin, {"token": text, "reason": "left"})
    assert (answer.status, answer.json["subject"]) == (200, f"{issuer.address}#anna")
    assert controller.get("/api/job", text).status == 401


def test_new_keys_of_the_issuer_are_found_without_a_restart(
    make_controller: MakeController, issuer: IssuerProcess
) -> None:
    controller = made(make_controller, issuer)
    old = issuer.token(roles=["ops"])
    assert controller.get("/api/job", old).status == 200
    issuer.rotate()
    new, began = issuer.token(roles=["ops"]), time.monotonic()
    until(lambda: controller.get("/api/job", new).status == 200)
    figures("oidc, new key of the issuer", accepted_after_s=round(time.monotonic() - began, 2))
    assert controller.get("/api/job", old).status == 401, "the issuer has withdrawn its key"


def test_keys_that_are_known_go_on_without_the_issuer_and_end_after_their_time(
    make_controller: MakeController, issuer: IssuerProcess
) -> None:
    controller = made(make_controller, issuer, refresh="1s", keep_keys="8s")
    text, own = issuer.token(roles=["ops"]), controller.token("admin")
    assert controller.get("/api/job", text).status == 200
    issuer.stop()
    until(lambda: "oidc.issuer_away" in controller.log)
    assert controller.get("/api/job", text).status == 200
    answer = until(lambda: (found := controller.get("/api/job", text)).status == 503 and found)
    assert issuer.address in answer.json["error"]
    assert controller.get("/api/job", own).status == 200
    issuer.start()
    until(lambda: controller.get("/api/job", issuer.token(roles=["ops"])).status == 200)
    assert "oidc.issuer_back" in controller.log


def test_a_controller_starts_without_the_issuer(make_controller: MakeController, issuer: IssuerProcess) -> None:
    text = issuer.token(roles=["ops"])
    issuer.stop()
    controller = made(make_controller, issuer)
    assert controller.get("/api/job", text).status == 503
    assert controller.get("/api/job", controller.token("admin")).status == 200


def test_an_issuer_that_anybody_on_the_way_could_play_is_refused(make_controller: MakeController) -> None:
    api = QUICK["api"]
    oidc = {"issuer": "http://id.test"}
    controller = make_controller(start=False, api={**api, "security": {**api["security"], "oidc": oidc}})  # type: ignore[dict-item]
    controller.start(wait=False)
    assert controller.wait() == 1
    assert "controller.api.security.oidc.issuer" in controller.log
