"""Another issuer, if the settings name one; only then the libraries for it are imported."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osapi.config.controller import Oidc
from osapi.contract.errors import Invalid

if TYPE_CHECKING:
    from osapi.auth.oidc.discovery import Discovery
    from osapi.auth.oidc.issuer import OidcIssuer
    from osapi.auth.oidc.keeper import KeyKeeper
    from osapi.auth.roles import Roles


@dataclass
class RunningIssuer:
    """An issuer whose keys are kept while it runs."""

    issuer: OidcIssuer
    keeper: KeyKeeper
    discovery: Discovery
    _keeping: asyncio.Task[None] | None = field(default=None, init=False)

    def start(self) -> None:
        """Begin to fetch its keys."""
        self._keeping = asyncio.create_task(self.keeper.run(), name="oidc")

    async def stop(self) -> None:
        """Fetch no more. A second call changes nothing."""
        if self._keeping is not None:
            self._keeping.cancel()
        await self.discovery.close()


def of_settings(section: Oidc, roles: Roles) -> RunningIssuer | None:
    """The issuer; None when none is named. Raises `Invalid` without its libraries, or for roles that do not exist."""
    if not section.issuer:
        return None
    try:
        from osapi.auth.oidc.discovery import Discovery
        from osapi.auth.oidc.issuer import OidcIssuer
        from osapi.auth.oidc.keeper import KeyKeeper
    except ImportError as problem:
        raise Invalid(
            f"controller.api.security.oidc needs {problem.name}, which is not installed; install osapi[oidc]"
        ) from problem
    try:
        discovery = Discovery(section.issuer, section.ca_file)
    except OSError as problem:
        raise Invalid(f"controller.api.security.oidc.ca_file: {section.ca_file}: {problem}") from problem
    keeper = KeyKeeper(section, discovery, time.monotonic)
    return RunningIssuer(OidcIssuer(section, roles, keeper), keeper, discovery)
