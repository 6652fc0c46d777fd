"""What dpkg knows of the packages on a host, from one call of dpkg-query(1). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from osapi.contract.errors import Permanent

_FIELDS = (
    "Package",
    "Architecture",
    "Version",
    "db:Status-Want",
    "db:Status-Status",
    "db:Status-Eflag",
    "Essential",
    "Protected",
    "Installed-Size",
    "binary:Summary",
)
QUERY = ("dpkg-query", "-W", "-f", "".join(f"${{{name}}}\\t" for name in _FIELDS).removesuffix("\\t") + "\\n")

JOURNAL = "/var/lib/dpkg/updates"
"""dpkg keeps numbered files here while it works; what is left was interrupted."""

_ABSENT = ("not-installed", "config-files")
_BROKEN = ("half-installed", "unpacked", "half-configured")


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package in one architecture, as dpkg has it."""

    name: str
    architecture: str
    version: str
    want: str
    state: str
    error: str
    is_essential: bool
    """Whether the system does not work (`Essential`) or not start (`Protected`) without it, see deb-control(5)."""
    size: int
    summary: str

    @property
    def is_present(self) -> bool:
        """Whether it is there, if only in part. Configuration that a removed package left does not count."""
        return self.state not in _ABSENT

    @property
    def is_held(self) -> bool:
        return self.want == "hold"

    @property
    def is_broken(self) -> bool:
        """Whether dpkg --audit would ask for its repair. Triggers that wait are dealt with by the next run."""
        return self.error == "reinstreq" or self.state in _BROKEN

    @property
    def status(self) -> str:
        """One word for people and programs."""
        if self.error == "reinstreq":
            return "reinstall-required"
        return "held" if self.is_held and self.state == "installed" else self.state

    def answers_to(self, name: str) -> bool:
        """Whether a request by this name, with or without an architecture, means this package."""
        wanted, _, architecture = name.partition(":")
        return self.name == wanted and architecture in ("", self.architecture)


def parse(output: str) -> list[Package]:
    """The packages in the output of `QUERY`."""
    return [_package(line.split("\t", len(_FIELDS) - 1)) for line in output.splitlines() if line]


def refuse_broken(packages: Iterable[Package], journal: Sequence[str]) -> None:
    """Raise `Permanent` (code `needs_repair`) when an earlier run of dpkg was interrupted."""
    broken = sorted(package.name for package in packages if package.is_broken)
    if not broken and not any(name.isdecimal() for name in journal):
        return
    which = ", ".join(broken) or "its journal is not empty"
    raise Permanent(
        f"dpkg was interrupted earlier and needs repair ({which}); run `dpkg --configure -a` on the host",
        code="needs_repair",
        details={"packages": broken},
    )


def _package(fields: list[str]) -> Package:
    name, architecture, version, want, state, error, essential, protected, size, summary = fields
    return Package(
        name=name,
        architecture=architecture,
        version=version,
        want=want,
        state=state,
        error=error,
        is_essential="yes" in (essential, protected),
        size=int(size) * 1024 if size.isdecimal() else 0,
        summary=summary,
    )
