"""What dpkg knows of the packages on a host, from one call of dpkg-query(1). Pure."""

from __future__ import annotations

from dataclasses import dataclass

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
    def must_be_reinstalled(self) -> bool:
        """Whether neither configuring nor removing it helps: dpkg was cut off while it unpacked it."""
        return self.error == "reinstreq" or (self.state == "half-installed" and not self.is_going)

    @property
    def is_going(self) -> bool:
        """Whether it is to be removed."""
        return self.want in ("deinstall", "purge")

    @property
    def condition(self) -> str:
        """One word about its state, whether held or not."""
        return "reinstall-required" if self.error == "reinstreq" else self.state

    @property
    def status(self) -> str:
        """One word for people and programs."""
        return "held" if self.is_held and self.condition == "installed" else self.condition

    @property
    def qualified(self) -> str:
        """The name that means it alone: with its architecture, if it is made for one."""
        return self.name if self.architecture in ("all", "") else f"{self.name}:{self.architecture}"

    def answers_to(self, name: str) -> bool:
        """Whether a request by this name, with or without an architecture, means this package."""
        wanted, _, architecture = name.partition(":")
        return self.name == wanted and architecture in ("", self.architecture)


def parse(output: str) -> list[Package]:
    """The packages in the output of `QUERY`."""
    return [_package(line.split("\t", len(_FIELDS) - 1)) for line in output.splitlines() if line]


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
