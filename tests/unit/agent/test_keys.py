"""The agent's own keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from osapi.agent import keys
from osapi.contract.errors import Invalid
from osapi.pki import sealing
from osapi.pki.ed25519 import PublicKey
from osapi.pki.signing import Verifier


def test_keys_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    made = keys.load_or_create(tmp_path / "state")
    again = keys.load_or_create(tmp_path / "state")
    assert (again.signing_key, again.sealing.public) == (made.signing_key, made.sealing.public)
    Verifier.of(PublicKey(made.signing_key)).verify(
        "result", again.signer.key_id, b"x", made.signer.sign("result", b"x")
    )
    assert again.sealing.open(sealing.seal(b"x", made.sealing.public)) == b"x"
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()}
    assert modes == {"agent.key": 0o600, "agent.seed": 0o600, "agent.pub": 0o644, "sealing.key": 0o600}


@pytest.mark.parametrize("name", ["agent.key", "sealing.key"])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, name: str) -> None:
    keys.load_or_create(tmp_path / "state")
    (tmp_path / "state" / name).chmod(0o640)
    with pytest.raises(Invalid, match=r"mode 0640"):
        keys.load_or_create(tmp_path / "state")
