"""The controller's key replaced in a whole installation: who was enrolled stays, and tokens made before still let in."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from tests.figures import figures

from .conftest import Installation, Running, until

pytestmark = pytest.mark.timeout(180)


def client(installation: Installation, *words: str) -> Any:
    done = installation.run("client", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def joined(installation: Installation, name: str, token: str) -> Running:
    """The agent of another host, with a data folder of its own; it is told no token once it is enrolled."""
    more = {"OSAPI_DATA_DIR": str(installation.folder / name), "OSAPI_AGENT_MACHINE_ID": name}
    running = installation.spawn("agent", "start", OSAPI_AGENT_JOIN=token, OSAPI_AGENT_HOSTNAME=name, **more)
    running.wait_event("agent.ready")
    return running


def answering(installation: Installation) -> list[str]:
    done = installation.run("client", "node", "hostname", "get", "--target", "_all", "--json")
    found = json.loads(done.stdout)["results"] if done.stdout else []
    return sorted(each["machine_id"] for each in found if each["status"] == "ok")


def test_all_who_are_enrolled_stay_and_others_join_by_tokens_of_before_and_after(installation: Installation) -> None:
    running = installation.spawn("start")
    running.wait_event("agent.ready")
    until(lambda: running.out, "the start is over")
    tokens = [client(installation, "agent", "join-token")["token"] for _ in range(2)]
    second = joined(installation, "second", tokens[0])
    until(lambda: answering(installation) == ["second", "testmachine"], "both answer")
    before = client(installation, "controller", "key", "fingerprint")["fingerprint"]
    told = installation.run("controller", "key", "rotate", "--grace", "1s")
    assert told.returncode == 0, told.stderr
    ended = time.monotonic() + 1.5
    running.wait_event("controller.key_changed")
    now = client(installation, "controller", "key", "fingerprint")["fingerprint"]
    assert (before in told.stdout, now in told.stdout, before == now) == (True, True, False)
    until(lambda: time.monotonic() > ended, "the former key has ended")
    joined(installation, "third", tokens[1])
    joined(installation, "fourth", client(installation, "agent", "join-token")["token"])
    everyone = ["fourth", "second", "testmachine", "third"]
    until(lambda: answering(installation) == everyone, "all answer")
    assert second.stop() == 0
    assert running.stop() == 0
    again = installation.spawn("start")
    again.wait_event("agent.ready")
    joined(installation, "second", "")
    until(lambda: answering(installation) == everyone, "all answer after everything was started anew")
    figures(
        "row 43: rotation with enrolled agents",
        joined_by_former_token=1,
        joined_by_new_token=1,
        answering=len(everyone),
    )
    assert "security." not in installation.logs
    assert client(installation, "agent", "revoke", "--hostname", "third")
    until(lambda: answering(installation) == [each for each in everyone if each != "third"], "the revoked one is out")


@pytest.mark.parametrize("grace", ["-1s", "soon"])
def test_a_grace_that_is_none_changes_nothing(installation: Installation, grace: str) -> None:
    assert installation.run("controller", "key", "rotate").returncode == 1  # there is no key yet
    running = installation.spawn("start")
    until(lambda: running.out, "the start is over")
    before = (installation.data / "pki" / "controller.key").read_bytes()
    told = installation.run("controller", "key", "rotate", f"--grace={grace}")
    assert (told.returncode, "grace" in told.stderr) == (1, True)
    assert (installation.data / "pki" / "controller.key").read_bytes() == before
    assert not (installation.data / "pki" / "controller.rotations").exists()
