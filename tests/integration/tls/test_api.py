"""The REST API under TLS, asked by OpenSSL, curl, the SDK and the command line."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from tests.unit.tls.making import pair

from osapi.config.private import replace
from osapi.pki.authority import issue, load_or_create
from osapi.sdk import errors
from osapi.sdk.aio import AsyncClient
from osapi.sdk.client import Client
from osapi.sdk.retry import Retry
from osapi.tls import pins
from osapi.tls.pair import Pair, check

from .conftest import Secured

pytestmark = pytest.mark.anyio

OSAPI = str(Path(sys.executable).with_name("osapi"))
CALLERS = 8


def version(secured: Secured, least: ssl.TLSVersion, most: ssl.TLSVersion, ciphers: str = "DEFAULT") -> str | None:
    """What is agreed on with a client that offers no other versions."""
    context = ssl.create_default_context(cafile=secured.ca)
    context.set_ciphers(ciphers)
    context.minimum_version, context.maximum_version = least, most
    with (
        socket.create_connection(("127.0.0.1", secured.stack.api_port), 10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        return connection.version()


@pytest.mark.parametrize(
    ("offered", "name"), [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]
)
async def test_tls_1_2_and_1_3_are_spoken(secured: Secured, offered: ssl.TLSVersion, name: str) -> None:
    assert await asyncio.to_thread(version, secured, offered, offered) == name


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("offered", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_what_is_older_is_refused(secured: Secured, offered: ssl.TLSVersion) -> None:
    with pytest.raises(OSError, match=r"(?i)version|alert|closed|EOF|reset"):
        await asyncio.to_thread(version, secured, offered, offered, "DEFAULT:@SECLEVEL=0")


async def test_weak_ciphers_are_refused(secured: Secured) -> None:
    offered = ssl.TLSVersion.TLSv1_2
    for ciphers in ("NULL:@SECLEVEL=0", "aNULL:@SECLEVEL=0"):
        with pytest.raises(OSError, match=r"(?i)cipher|alert|EOF|reset"):
            await asyncio.to_thread(version, secured, offered, offered, ciphers)


async def test_answers_tell_browsers_to_stay_with_tls(secured: Secured) -> None:
    async with httpx2.AsyncClient(verify=ssl.create_default_context(cafile=secured.ca)) as http:
        answer = await http.get(f"{secured.stack.api.url}/health")
    assert (answer.status_code, answer.headers["strict-transport-security"]) == (200, "max-age=31536000")


async def test_plain_http_on_the_tls_port_is_refused_in_words(secured: Secured) -> None:
    async with httpx2.AsyncClient() as http:
        for _ in range(3):
            answer = await http.get(f"http://127.0.0.1:{secured.stack.api_port}/health")
            assert (answer.status_code, answer.json()) == (
                400,
                {"error": "this port speaks TLS only; use https:// in place of http://", "code": "invalid"},
            )


async def test_plain_http_on_its_own_port_is_sent_on(secured: Secured) -> None:
    here = f"127.0.0.1:{secured.redirect_port}"
    there = f"https://127.0.0.1:{secured.stack.api_port}"
    async with httpx2.AsyncClient(verify=ssl.create_default_context(cafile=secured.ca)) as http:
        for method, path in (("GET", "/health?a=b%20c"), ("POST", "/api/node/a%2Fb/command/shell")):
            answer = await http.request(method, f"http://{here}{path}")
            assert (answer.status_code, answer.headers["location"]) == (308, there + path)
        followed = await http.get(f"http://{here}/health", follow_redirects=True)
        assert (followed.status_code, followed.json()) == (200, {"status": "ok"})


async def test_who_says_nothing_is_cut_and_does_not_keep_others_waiting(secured: Secured) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", secured.stack.api_port) for _ in range(30)]
    async with (
        asyncio.timeout(5),
        AsyncClient(secured.stack.api.url, secured.stack.token, ca_file=secured.ca) as client,
    ):
        assert await client.health.live()
    async with asyncio.timeout(20):
        assert {await reader.read() for reader, _ in silent} == {b""}
    for _, writer in silent:
        writer.close()


# -- whom clients trust ------------------------------------------------------------------------


def refused(secured: Secured, url: str = "", **trusting: str) -> str:
    """What the synchronous client says; it must not have sent anything."""
    url = url or secured.stack.api.url
    patient = Retry(attempts=3, base_s=60)
    with Client(url, "", retry=patient, **trusting) as client, pytest.raises(errors.Untrusted) as raised:  # type: ignore[arg-type]
        client.health.live()
    assert not raised.value.sent
    return raised.value.message


async def refused_asynchronously(secured: Secured, url: str = "", **trusting: str) -> str:
    url = url or secured.stack.api.url
    async with AsyncClient(url, "", retry=Retry(attempts=3, base_s=60), **trusting) as client:  # type: ignore[arg-type]
        with pytest.raises(errors.Untrusted) as raised:
            await client.health.live()
    assert not raised.value.sent
    return raised.value.message


async def both(secured: Secured, url: str = "", **trusting: str) -> str:
    """What both clients say, which is the same."""
    one = await asyncio.to_thread(refused, secured, url, **trusting)
    assert await refused_asynchronously(secured, url, **trusting) == one
    return one


def files(secured: Secured) -> Pair:
    return Pair("x", secured.cert, secured.cert.with_suffix(".key"))


async def test_an_unknown_authority_is_told_with_what_was_shown(secured: Secured) -> None:
    words = f"({check(files(secured)).fingerprint}, issued by CN=bench) is signed by no authority of "
    assert words + secured.strange_ca in await both(secured, ca_file=secured.strange_ca)
    assert words + "those that this system trusts; name the file of the right one with --ca-file" in await both(secured)


async def test_another_name_is_told_with_those_of_the_certificate(secured: Secured) -> None:
    url = f"https://127.1:{secured.stack.api_port}"  # inet_aton(3): the same address, by no name that was certified
    assert "is for localhost, 127.0.0.1, not for 127.1; use a name" in await both(secured, url, ca_file=secured.ca)


async def test_a_port_without_tls_is_told(secured: Secured) -> None:
    url = f"https://127.0.0.1:{secured.redirect_port}"
    assert "does not speak TLS; is the address right" in await both(secured, url, ca_file=secured.ca)


async def test_a_pin_of_the_certificate_or_its_key_needs_no_authority(secured: Secured) -> None:
    for pin in pins.of(ssl.PEM_cert_to_DER_cert(secured.cert.read_text())):
        for more in ({}, {"ca_file": secured.ca}):
            with Client(secured.stack.api.url, secured.stack.token, pin=pin, **more) as client:
                assert await asyncio.to_thread(client.health.live)
            async with AsyncClient(secured.stack.api.url, secured.stack.token, pin=pin, **more) as patient:
                assert await patient.health.live()


async def test_another_pin_is_told_and_an_authority_besides_must_hold_too(secured: Secured) -> None:
    shown, wrong = check(files(secured)).fingerprint, "ab" * 32
    for more in ({}, {"ca_file": secured.ca}):
        told = await both(secured, pin=wrong, **more)
        assert f"showed another certificate ({shown}) than the pin allows (SHA256:{wrong})" in told
    assert "is signed by no authority of" in await both(secured, pin=shown, ca_file=secured.strange_ca)


@pytest.mark.parametrize(
    ("trusting", "words"),
    [
        ({"ca_file": "/nowhere/ca.crt"}, "CA file /nowhere/ca.crt cannot be read: No such file"),
        ({"ca_file": __file__}, "holds no certificate in PEM; name the file of the authority"),
        ({"pin": "00"}, "the pin '00' is no SHA-256 fingerprint"),
    ],
)
async def test_what_cannot_be_trusted_is_refused_at_once(
    secured: Secured, trusting: dict[str, str], words: str
) -> None:
    for make in (Client, AsyncClient):
        with pytest.raises(ValueError, match=words):
            make(secured.stack.api.url, "", **trusting)


# -- the command line --------------------------------------------------------------------------


async def spoken(secured: Secured, *words: str, **environ: str) -> tuple[int, str]:
    """Status and what was said of `osapi client health ready`, without any saved context."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("OSAPI_", "XDG_"))}
    process = await asyncio.create_subprocess_exec(
        OSAPI, "client", "--url", secured.stack.api.url, *words, "health", "ready",
        env={**plain, "HOME": str(secured.folder / "nobody"), **environ},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_the_command_line_trusts_by_flag_variable_file_and_context(secured: Secured, tmp_path: Path) -> None:
    pin = check(files(secured)).fingerprint
    settings, context = tmp_path / "osapi.yaml", tmp_path / "context.json"
    settings.write_text(json.dumps({"controller": {"client": {"tls": {"ca": secured.ca}}}}))
    context.write_text(json.dumps({"url": secured.stack.api.url, "token": "", "pin": pin}))
    answers = await asyncio.gather(
        spoken(secured, "--ca-file", secured.ca),
        spoken(secured, "--pin", pin),
        spoken(secured, OSAPI_CONTROLLER_CLIENT_TLS_CA=secured.ca),
        spoken(secured, OSAPI_CONTROLLER_CLIENT_TLS_PIN=pin),
        spoken(secured, "--osapi-file", str(settings)),
        spoken(secured, OSAPI_CONTEXT=str(context)),
        spoken(secured, "--ca-file", secured.ca, OSAPI_CONTROLLER_CLIENT_TLS_PIN="ab" * 32),
    )
    assert [status for status, _ in answers] == [0] * 7, answers


async def test_the_command_line_refuses_in_one_line_and_has_no_way_around(secured: Secured) -> None:
    for words, said in (
        ((), "is signed by no authority of those that this system trusts"),
        (("--ca-file", secured.strange_ca), "is signed by no authority of"),
        (("--pin", "ab" * 32), "showed another certificate"),
        (("--pin", "00"), "is no SHA-256 fingerprint"),
    ):
        status, out = await spoken(secured, *words)
        assert (status, out.count("\n")) == (1, 1), out
        assert said in out


# -- a certificate that is replaced ------------------------------------------------------------


@dataclass
class Callers:
    """Callers who ask without pause, each request over a connection of its own or a kept one."""

    secured: Secured
    answered: int = 0
    problems: list[str] = field(default_factory=list[str])
    stop: bool = False

    async def run(self, *, kept: bool) -> None:
        context = ssl.create_default_context(cafile=self.secured.ca)
        known = {"authorization": f"Bearer {self.secured.stack.token}"}
        limits = httpx2.Limits(max_keepalive_connections=1 if kept else 0)
        async with httpx2.AsyncClient(verify=context, limits=limits, timeout=20) as http:
            while not self.stop:
                try:
                    answer = await http.get(f"{self.secured.stack.api.url}/api/agent", headers=known)
                    assert answer.status_code == 200, answer.text
                    self.answered += 1
                except (httpx2.HTTPError, AssertionError) as problem:
                    self.problems.append(repr(problem))


def presented(secured: Secured) -> str:
    from osapi.tls import explaining

    found = explaining.presented("127.0.0.1", secured.stack.api_port, 5)
    return "" if found is None else found.fingerprint


async def until_shown(secured: Secured, fingerprint: str) -> None:
    async with asyncio.timeout(10):
        while await asyncio.to_thread(presented, secured) != fingerprint:
            await asyncio.sleep(0.05)


async def test_certificates_replaced_under_load_drop_no_request(secured: Secured) -> None:
    callers = Callers(secured)
    async with asyncio.TaskGroup() as tasks:
        for number in range(CALLERS):
            tasks.create_task(callers.run(kept=number % 2 == 0))
        signer = load_or_create(secured.folder / "stack" / "tls", "bench", datetime.now(UTC))
        for _ in range(4):
            before = callers.answered
            cert, key = issue(signer, ["127.0.0.1", "localhost"], datetime.now(UTC))
            replace(files(secured).key, key)
            replace(files(secured).cert, cert, mode=0o644)
            await until_shown(secured, check(files(secured)).fingerprint)
            async with asyncio.timeout(10):
                while callers.answered == before:
                    await asyncio.sleep(0.01)
        callers.stop = True
    assert callers.problems == []


async def test_a_broken_new_certificate_leaves_the_one_before_and_is_logged(secured: Secured, tmp_path: Path) -> None:
    before, whole = check(files(secured)), secured.cert.read_bytes()
    other = pair(secured.stranger, tmp_path)
    try:
        replace(secured.cert, other.cert.read_bytes(), mode=0o644)  # without its key
        log = secured.folder / "stack" / "osapi.controller-osapi.log"
        async with asyncio.timeout(10):
            while f"{secured.cert.with_suffix('.key')} is not the key of" not in log.read_text():
                assert await asyncio.to_thread(presented, secured) == before.fingerprint
                await asyncio.sleep(0.05)
        assert "the one before stays in use" in log.read_text()
    finally:
        replace(secured.cert, whole, mode=0o644)


# -- metrics -----------------------------------------------------------------------------------


async def test_metrics_are_served_over_tls_only(secured: Secured) -> None:
    url = f"https://127.0.0.1:{secured.metrics_port}"
    async with httpx2.AsyncClient(verify=ssl.create_default_context(cafile=secured.ca)) as http:
        answer = await http.get(f"{url}/metrics")
        assert (answer.status_code, "osapi_subsystem_up" in answer.text) == (200, True)
        with pytest.raises(httpx2.TransportError):
            await http.get(url.replace("https", "http"))
    async with httpx2.AsyncClient(verify=ssl.create_default_context(cafile=secured.strange_ca)) as http:
        with pytest.raises(httpx2.ConnectError, match=r"(?i)certificate"):
            await http.get(url)


async def test_who_does_not_shake_hands_keeps_nobody_from_metrics(secured: Secured) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", secured.metrics_port) for _ in range(10)]
    async with httpx2.AsyncClient(verify=ssl.create_default_context(cafile=secured.ca), timeout=5) as http:
        assert (await http.get(f"https://127.0.0.1:{secured.metrics_port}/health")).status_code == 200
    for _, writer in silent:
        writer.close()
