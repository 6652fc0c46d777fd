"""What a client of the SDK trusts over https, and its words for a controller that is another.

Nothing here is imported for plain HTTP.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from osapi.contract.errors import Invalid
from osapi.sdk.errors import Untrusted
from osapi.tls import explaining, trust

if TYPE_CHECKING:
    from osapi.sdk.address import Address

_DESCRIBE_S = 5.0


class Trusting:
    """`context` verifies. Raises `ValueError` for a file or a pin that cannot be used."""

    def __init__(self, address: Address, ca_file: str | None, pin: str | None) -> None:
        self._address = address
        self._trust = trust.Trust(ca=ca_file or "", pin=pin or "")
        try:
            self.context = trust.context(self._trust)
        except Invalid as problem:
            raise ValueError(problem.message) from problem

    def refusal(self, problem: BaseException | None) -> Untrusted | None:
        """What is wrong with the certificate or the protocol of the controller; None for any other failure.

        Asks the controller once more for its certificate, to say what was shown.
        """
        found = _of_tls(problem)
        if found is None:
            return None
        address, shown = self._address, None
        if isinstance(found, ssl.SSLCertVerificationError):
            shown = explaining.presented(address.host, address.port, _DESCRIBE_S)
        return Untrusted(explaining.told(found, str(address), address.host, self._trust, shown), sent=False)


def _of_tls(problem: BaseException | None) -> ssl.SSLError | None:
    """The error of OpenSSL behind an error, unless it only says that the connection ended."""
    while problem is not None:
        if isinstance(problem, ssl.SSLError):
            return None if isinstance(problem, ssl.SSLEOFError | ssl.SSLZeroReturnError) else problem
        problem = problem.__cause__ or problem.__context__
    return None
