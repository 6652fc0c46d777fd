from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.unit.sdk.kit import TOKEN, FakeController
from tests.unit.tls.making import LONG_AGO, authority, pair

from osapi.sdk import errors
from osapi.sdk.aio import AsyncClient
from osapi.sdk.client import Client
from osapi.sdk.retry import Retry

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, signed by itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "controller")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "controller.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[FakeController]:
    with FakeController(certificate).running() as controller:
        controller.answer({"status": "ok"})
        yield controller


def test_a_known_authority_is_trusted(secure: FakeController, certificate: Path) -> None:
    with Client(secure.url, TOKEN, ca_file=str(certificate)) as client:
        assert client.health.live()
        assert client.health.live()
    assert secure.connections == 1


def test_an_unknown_authority_is_not(secure: FakeController) -> None:
    with (
        Client(secure.url, TOKEN) as client,
        pytest.raises(errors.Unreachable, match=r"(?i)certificate") as raised,
    ):
        client.health.live()
    assert not raised.value.sent
    assert secure.asked == []


async def test_the_asynchronous_client_trusts_a_context(secure: FakeController, certificate: Path) -> None:
    async with AsyncClient(secure.url, TOKEN, tls=ssl.create_default_context(cafile=certificate)) as client:
        assert await client.health.live()


async def test_the_asynchronous_client_refuses_the_unknown_too(secure: FakeController) -> None:
    async with AsyncClient(secure.url, TOKEN, retry=Retry(attempts=1)) as client:
        with pytest.raises(errors.Unreachable, match=r"(?i)certificate") as raised:
            await client.health.live()
    assert not raised.value.sent
    assert secure.asked == []


@pytest.mark.parametrize(
    ("names", "age", "words"),
    [
        (("127.0.0.1",), LONG_AGO, r"the certificate of https://127\.0\.0\.1:\d+ expired at \S+Z; renew it there"),
        (
            ("osapi.test", "10.0.0.1"),
            timedelta(0),
            r"is for osapi\.test, 10\.0\.0\.1, not for 127\.0\.0\.1; use a name",
        ),
        (("127.0.0.1",), timedelta(days=-2), r"is not valid yet; compare the clocks of both machines"),
    ],
)
async def test_what_is_wrong_with_a_certificate_is_said(
    names: tuple[str, ...], age: timedelta, words: str, tmp_path: Path
) -> None:
    made = pair(authority(tmp_path / "ca"), tmp_path, *names, age=age)
    both = tmp_path / "both.pem"
    both.write_bytes(made.cert.read_bytes() + made.key.read_bytes())
    ca_file = str(tmp_path / "ca" / "ca.crt")
    with FakeController(both).running() as controller:
        with Client(controller.url, TOKEN, ca_file=ca_file) as client, pytest.raises(errors.Untrusted, match=words):
            client.health.live()
        async with AsyncClient(controller.url, TOKEN, ca_file=ca_file) as patient:
            with pytest.raises(errors.Untrusted, match=words):
                await patient.health.live()
    assert controller.asked == []
