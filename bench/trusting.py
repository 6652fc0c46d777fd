"""`python -m bench.trusting MODULE [ARGUMENT...]`: one of our programs without signatures and seals, to know what they cost.

Keys, envelopes and checks are as ever; only the arithmetic of Ed25519, X25519 and XChaCha20-Poly1305 is left out.
"""

from __future__ import annotations

import runpy
import sys

from osapi.pki import sealing
from osapi.pki.ed25519 import PrivateKey, PublicKey
from osapi.pki.sealing import SealingKey

_SIGNATURE = bytes(64)


def _leave_out() -> None:
    PrivateKey.sign = lambda _key, _data: _SIGNATURE
    PublicKey.verify = lambda _key, _signature, _data: None
    SealingKey.open = lambda _key, sealed: sealed[: sealing.KEY]
    sealing.seal = lambda message, _public: message.ljust(sealing.SEALED, b"\0")
    sealing.encrypt = lambda message, _key, _context: message
    sealing.decrypt = lambda box, _key, _context: box


if __name__ == "__main__":
    _leave_out()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
