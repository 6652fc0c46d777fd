"""`osapi tls init`, then `osapi start`, with the real programs."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.tls.making import authority, expired, pair

from osapi.config.private import replace
from osapi.pki.authority import issue, load_or_create

from .conftest import Installation, Running, until
from .test_start import asked, refused, started


@pytest.fixture
def installation(plain_installation: Installation) -> Installation:
    """One that begins without certificates."""
    return plain_installation


def made(installation: Installation, *words: str) -> dict[str, Any]:
    """What `osapi tls init` tells."""
    done = installation.run("tls", "init", "--json", *words)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def settings(installation: Installation) -> str:
    """The settings that `osapi tls init` prints, in a file of their own."""
    out = installation.run("tls", "init").stdout
    file = installation.folder / "osapi.yaml"
    file.write_text(out.partition("Settings for this machine:\n\n")[2].partition("\nOther machines")[0])
    return str(file)


def served(installation: Installation, folder: Path | None = None) -> dict[str, str]:
    """The same for the API alone, as environment."""
    folder = folder or installation.data / "tls"
    return {
        "OSAPI_CONTROLLER_API_TLS_CERT": str(folder / "api.crt"),
        "OSAPI_CONTROLLER_API_TLS_KEY": str(folder / "api.key"),
    }


def states(found: dict[str, Any]) -> list[str]:
    return [leaf["state"] for leaf in found["certificates"]]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_init_prints_is_all_that_start_needs(installation: Installation) -> None:
    file = settings(installation)
    running = started(installation, "-f", file)
    assert running.out.splitlines()[0] == f"OSAPI  https://127.0.0.1:{installation.api_port}"
    assert installation.context["ca"] == str(installation.data / "tls" / "ca.crt")
    (result,) = asked(installation)
    assert (result["machine_id"], result["status"]) == ("testmachine", "ok")
    trusting = ssl.create_default_context(cafile=installation.context["ca"])
    with urllib.request.urlopen(f"{installation.context['url']}/health", context=trusting) as answer:
        assert json.load(answer) == {"status": "ok"}
    assert b"TLS handshake error" not in running.err.encode()
    revoked = installation.run("-f", file, "token", "revoke", "--id", "x" * 8)
    assert revoked.returncode == 0, revoked.stderr
    assert running.stop() == 0


def test_an_installation_that_gets_tls_later_keeps_its_client(installation: Installation) -> None:
    assert started(installation).stop() == 0
    before = installation.context
    file = settings(installation)
    started(installation, "-f", file)
    after = installation.context
    assert (after["url"], after["token"]) == (before["url"].replace("http:", "https:"), before["token"])
    assert asked(installation)


def test_a_second_init_changes_nothing(installation: Installation) -> None:
    first = made(installation)
    assert states(first) == ["made"] * 3
    before = contents(installation.data / "tls")
    again = made(installation, "--renew")
    assert (states(again), again["authority"]) == (["kept"] * 3, first["authority"])
    assert contents(installation.data / "tls") == before


def test_further_names_come_with_renew_and_stay(installation: Installation) -> None:
    made(installation, "--name", "a.test")
    assert states(made(installation, "--name", "b.test")) == ["kept"] * 3
    found = made(installation, "--name", "b.test", "--renew")
    assert states(found) == ["renewed"] * 3
    assert all({"a.test", "b.test", "localhost", "127.0.0.1"} <= set(leaf["names"]) for leaf in found["certificates"])
    assert states(made(installation, "--renew")) == ["kept"] * 3


def test_what_ends_soon_is_renewed_when_asked_for(installation: Installation) -> None:
    made(installation)
    folder = installation.data / "tls"
    signer = load_or_create(folder, "", datetime.now(UTC))
    cert, key = issue(signer, ["localhost"], datetime.now(UTC) - timedelta(days=370))
    replace(folder / "api.crt", cert)
    replace(folder / "api.key", key)
    assert states(made(installation)) == ["kept"] * 3
    assert states(made(installation, "--renew"))[0] == "renewed"


def test_the_fingerprint_is_the_one_that_openssl_prints(installation: Installation) -> None:
    found = made(installation)["authority"]
    words = ["openssl", "x509", "-in", found["cert"], "-noout", "-fingerprint", "-sha256"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert found["fingerprint"] == "SHA256:" + said.strip().partition("=")[2].replace(":", "").lower()


@pytest.mark.parametrize("name", ["a b", "-a", "http://x"])
def test_a_name_that_is_none_is_refused_before_anything_is_made(name: str, installation: Installation) -> None:
    done = installation.run("tls", "init", f"--name={name}")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "is neither a host name nor an address; give one as osapi.example.org or 10.0.0.1" in done.stderr
    assert not (installation.data / "tls").exists()


@pytest.mark.parametrize("kind", ["gone", "other key", "expired", "half"])
def test_a_start_is_refused_in_one_line_that_names_setting_file_and_remedy(
    kind: str, installation: Installation, tmp_path: Path
) -> None:
    made(installation)
    environ = served(installation)
    cert, key = environ["OSAPI_CONTROLLER_API_TLS_CERT"], environ["OSAPI_CONTROLLER_API_TLS_KEY"]
    words = {
        "gone": rf"controller\.api\.tls\.cert: {cert} cannot be read: No such file or directory; name",
        "other key": rf"controller\.api\.tls\.key: {key} is not the key of the certificate {cert}; name",
        "expired": rf"controller\.api\.tls\.cert: {cert} expired at .*; renew it",
    }
    signer = authority(tmp_path / "ca")
    if kind == "gone":
        Path(cert).unlink()
    elif kind == "other key":
        Path(key).write_bytes(pair(signer, tmp_path / "new").key.read_bytes())
    elif kind == "expired":
        old = expired(signer, tmp_path / "old")
        Path(cert).write_bytes(old.cert.read_bytes())
        Path(key).write_bytes(old.key.read_bytes())
    if kind == "half":
        done = installation.run("start", **{name: value for name, value in environ.items() if "CERT" in name})
        assert done.returncode == 1
        assert (
            'controller.api.tls.key: "" is not allowed; use a PEM file, since controller.api.tls.cert is set'
            in done.stderr
        )
        return
    for line in (("start",), ("controller", "start")):
        assert re.search(words[kind], refused(installation, *line, **environ))


def test_with_tls_other_addresses_may_be_listened_on(installation: Installation) -> None:
    open_to_all = {"OSAPI_CONTROLLER_API_HOST": "0.0.0.0"}
    made(installation)
    assert "there is no TLS; use 127.0.0.1, set up TLS" in refused(installation, "start", **open_to_all)
    running = started(installation, **open_to_all, **served(installation))
    assert asked(installation)
    assert running.stop() == 0


def test_a_broker_of_ones_own_authority_lets_the_family_in_with_certificates(installation: Installation) -> None:
    file = settings(installation)
    folder = installation.data / "tls"
    running = started(installation, "-f", file, OSAPI_NATS_SERVER_TLS_CA=str(folder / "ca.crt"))
    assert asked(installation)
    until(lambda: installation.run("client", "health", "status").returncode == 0, "every part in order")
    assert running.stop() == 0


def joining(installation: Installation, machine: str, text: str, **environ: str) -> Running:
    """The agent of another host, which has a data folder of its own."""
    own = {"OSAPI_DATA_DIR": str(installation.folder / machine), "OSAPI_AGENT_MACHINE_ID": machine}
    return installation.spawn("agent", "start", OSAPI_AGENT_JOIN=text, **own, **environ)


def test_another_host_joins_over_tls_when_it_has_the_authority(installation: Installation, tmp_path: Path) -> None:
    file = settings(installation)
    started(installation, "-f", file)
    server = f"tls://127.0.0.1:{installation.nats_port}"
    done = installation.run("client", "agent", "join-token", "--uses", "2", "--server", server, "--json")
    assert done.returncode == 0, done.stderr
    text = json.loads(done.stdout)["token"]
    strange = authority(tmp_path / "strange")
    assert strange.certificate
    wrong = joining(installation, "wrong", text, OSAPI_AGENT_NATS_TLS_CA=str(tmp_path / "strange" / "ca.crt"))
    told = wrong.wait_event("broker.unreachable")["error"]
    assert "is signed by no authority of agent.nats.tls.ca" in told
    right = joining(installation, "second", text, OSAPI_AGENT_NATS_TLS_CA=str(installation.data / "tls" / "ca.crt"))
    right.wait_event("agent.ready")
    until(lambda: {found["machine_id"] for found in asked(installation)} == {"testmachine", "second"}, "both answer")
    assert right.stop() == 0
    assert wrong.stop() == 0
