"""Names of images and what else is read strictly, where a table says more than a case."""

from __future__ import annotations

import msgspec
import pytest

from osapi.domains.docker import notation, references, refusals
from osapi.domains.docker.models import ContainerCreate, ContainerExec
from osapi.domains.docker.references import Reference

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "expected", "spoken"),
    [
        ("web", Reference("web"), "web:latest"),
        ("web:1.2", Reference("web", "1.2"), "web:1.2"),
        ("team/web", Reference("team/web"), "team/web:latest"),
        ("registry.example:5000/team/web", Reference("registry.example:5000/team/web"), None),
        ("registry.example:5000/team/web:1", Reference("registry.example:5000/team/web", "1"), None),
        ("localhost/web:1", Reference("localhost/web", "1"), None),
        ("[fd00::1]:5000/web:1", Reference("[fd00::1]:5000/web", "1"), None),
        ("Registry.Example/web", Reference("Registry.Example/web"), None),
        (f"web@{DIGEST}", Reference("web", "", DIGEST), f"web@{DIGEST}"),
        (f"web:1@{DIGEST}", Reference("web", "1", DIGEST), f"web@{DIGEST}"),
        ("a__b/c.d-e--f_g", Reference("a__b/c.d-e--f_g"), None),
        (DIGEST, Reference("sha256", "a" * 64), DIGEST),
    ],
)
def test_the_name_of_an_image_is_read_as_a_registry_does(text: str, expected: Reference, spoken: str | None) -> None:
    found = references.parse(text)
    assert found == expected
    assert str(found) == (spoken or (text if ":" in text.rpartition("/")[2] else f"{text}:latest"))


@pytest.mark.parametrize(
    "text",
    ["", "Web", "a..b", "a___b", "-a", "a-", "a/", "/a", "a//b", "a:b:c", "a@", "a@md5:12", f"a@{DIGEST}0", "a:-b", "a b", "a:ü", "x.y:port/a", "a" * 256],
)  # fmt: skip
def test_what_is_no_name_of_an_image_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no name of an image"):
        references.parse(text)


@pytest.mark.parametrize("text", ["8080:80", "127.0.0.1:8080:80/udp", "[::1]:1:65535/sctp"])
def test_a_port_is_told_in_the_form_in_which_it_is_asked_for(text: str) -> None:
    (port,) = notation.ports([text])
    assert notation.ports([str(port)]) == (port,)


@pytest.mark.parametrize("text", ["/srv:/data", "data:/data:ro", "/srv/a b:/data"])
def test_so_is_a_volume(text: str) -> None:
    (volume,) = notation.volumes([text])
    assert str(volume) == text


@pytest.mark.parametrize("model", [ContainerCreate, ContainerExec])
@pytest.mark.parametrize("env", [["hunter2"], ["=hunter2"], ["A=1", "A=hunter2"], ["A B=hunter2"], ["A=hunter2\0"]])
def test_the_message_about_a_bad_variable_does_not_hold_its_value(model: type[msgspec.Struct], env: list[str]) -> None:
    request = {"image": "probe:1", "id": "web", "command": ["id"], "env": env}
    with pytest.raises(msgspec.ValidationError, match="env") as caught:
        msgspec.convert(request, model)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (400, "bad parameter", "invalid"),
        (403, "no", "denied"),
        (404, "No such container: permission", "not_found"),
        (404, "no such file or directory", "not_found"),
        (409, "Container x is not running", "conflict"),
        (409, "address already in use", "conflict"),
        (500, "listen tcp4 0.0.0.0:80: bind: address already in use", "conflict"),
        (500, "toomanyrequests: You have reached your pull rate limit", "unavailable"),
        (500, "statfs /nowhere: no such file or directory", "not_found"),
        (500, "anything", "engine_failed"),
        (501, "not supported", "unsupported"),
        (503, "starting", "unavailable"),
        (418, "anything", "engine_failed"),
        (0, "unexpected EOF", "unavailable"),
    ],
)
def test_a_refusal_has_a_code_for_machines(status: int, message: str, code: str) -> None:
    failure = refusals.refusal(status, message, "do it")
    assert (failure.error_code, failure.message) == (code, f"cannot do it: {message}")


def test_an_endless_refusal_is_cut() -> None:
    assert len(refusals.refusal(500, "x" * 1_000_000, "do it").message) < 3000
