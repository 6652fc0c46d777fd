"""The templates that OSAPI brings along. The content of a version never changes; a better one is another version."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from osapi.files.seed import templates
from osapi.templates import engine
from osapi.templates.rendering import Context

VERSIONS = {
    "osapi/logrotate.v1": "0df106780171897e5dc1643c109aaef1e8f0b01a52bc576f6d635b675b7ac624",
    "osapi/motd.v1": "66a2fe52e42b13613c1edbd170e17459fdd8eeffd4b71424d2d1bdb6f99c0fb4",
    "osapi/systemd-service.v1": "6a9fd7f9a9bc7204030023d76b24b097cdf4d7bb26b28913366bb0d22cf209bf",
}
CONTENTS = dict(templates())


def rendered(name: str, **variables: Any) -> str:
    context = Context(facts={"architecture": "x86_64"}, vars=variables, hostname="web-01")
    return engine.render(CONTENTS[name], context).content.decode()


def test_what_was_once_published_stays_as_it_is() -> None:
    assert {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()} == VERSIONS


@pytest.mark.parametrize("name", CONTENTS)
def test_each_can_be_used(name: str) -> None:
    engine.check(CONTENTS[name])


def test_a_unit_has_what_is_asked_for() -> None:
    text = rendered(
        "osapi/systemd-service.v1",
        description="An app",
        exec="/usr/bin/app --port 80",
        user="app",
        environment={"B": "2", "A": "1"},
        after=["postgresql.service"],
    )
    assert text == (
        "[Unit]\nDescription=An app\nAfter=network.target postgresql.service\n\n"
        "[Service]\nType=exec\nExecStart=/usr/bin/app --port 80\nRestart=on-failure\nUser=app\n"
        'Environment="A=1"\nEnvironment="B=2"\nNoNewPrivileges=yes\nPrivateTmp=yes\n\n'
        "[Install]\nWantedBy=multi-user.target\n"
    )


def test_a_rotation_has_what_is_asked_for() -> None:
    text = rendered("osapi/logrotate.v1", files=["/var/log/app/*.log"], keep=7, after="systemctl reload app")
    assert text.startswith("/var/log/app/*.log {\n    daily\n    rotate 7\n")
    assert text.endswith("    sharedscripts\n    postrotate\n        systemctl reload app\n    endscript\n}\n")


def test_a_greeting_names_the_host() -> None:
    assert rendered("osapi/motd.v1") == "web-01 (x86_64) is managed by OSAPI; changes by hand may be undone.\n"
    assert rendered("osapi/motd.v1", text="Hello", contact="ops").endswith("\nHello\nQuestions go to ops.\n")
