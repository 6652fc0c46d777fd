"""The agent of a host, made by `osapi agent install` to one that is not root, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.acceptance.fleet import OSAPI, eventually
from tests.acceptance.subject import Subject

ACCOUNT = "osapi-agent"
_UNIT = "/etc/systemd/system/osapi-agent.service"


@contextmanager
def unprivileged(subject: Subject) -> Iterator[None]:
    """Grants everything that can be granted, commands as any account included."""
    subject.shell(f"systemctl stop osapi-agent; mv {_UNIT} /root/; cp -a /etc/osapi/osapi.yaml /root/")
    subject.shell("sed -i 's/^agent: {/agent: {privilege_escalation: {without: []}, /' /etc/osapi/osapi.yaml")
    # The host stays the same agent, known by its key.
    subject.shell(
        "install -d -m 700 /var/lib/osapi-agent && cp -r /var/lib/osapi/agent /var/lib/osapi/pki /var/lib/osapi-agent/"
    )
    print(subject.shell(f"{OSAPI} agent install --user {ACCOUNT}").splitlines()[-1])
    subject.shell(f"chown -R {ACCOUNT}: /var/lib/osapi-agent && systemctl start osapi-agent")
    assert subject.shell("stat -c %U /proc/$(systemctl show -P MainPID osapi-agent)") == ACCOUNT
    _wait(subject)
    yield
    subject.shell(f"{OSAPI} agent uninstall")
    subject.shell(f"mv /root/osapi-agent.service {_UNIT} && mv /root/osapi.yaml /etc/osapi/")
    subject.shell("systemctl daemon-reload && systemctl enable --now osapi-agent")
    _wait(subject)


def _wait(subject: Subject) -> None:
    eventually(lambda: _answers(subject), "the agent did not come back")


def _answers(subject: Subject) -> bool:
    words = ("node", "uptime", "get", "-T", subject.machine)
    return subject.fleet.client(*words).status == 0
