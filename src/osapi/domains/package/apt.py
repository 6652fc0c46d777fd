"""How apt-get(8), apt-mark(8) and dpkg(1) are asked, and what their answers mean. Pure.

The simulation of apt-get (`-s`) is the plan of every change: it says what would be installed, upgraded and removed, and
it refuses what the change itself would refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from osapi.contract.errors import Conflict, NotFound, OsapiError, Permanent, Protected
from osapi.host.acting import failure_of
from osapi.host.plan import Run
from osapi.host.program import Completed

SIMULATION_DEADLINE_S = 60.0
WRITE_DEADLINE_S = 30 * 60.0
LOCK_WAIT_S = 300
"""How long another package manager is waited for."""
LISTS = "/var/lib/apt/lists"
OUTPUT_LIMIT = 8 << 20

ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    "NEEDRESTART_MODE": "l",  # a restart of services could end the agent in the middle of the job
}
_APT = ("-q", "-y", "-o", f"DPkg::Lock::Timeout={LOCK_WAIT_S}")
_KEEP_CONFIGURATION = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")

_STEP = re.compile(r"^(Inst|Remv|Purg) (\S+)(?: \[([^\]]*)\])?(?: \((\S+) ([^\[]*)\[)?")
_UNMET = re.compile(r"^ (\S+) : ", re.MULTILINE)
_HOLDER = re.compile(r"held by process (\d+)(?: \(([^)\n]*)\))?|locked by another process with pid (\d+)")
_FAILED_SOURCE = re.compile(r"^[WE]: (?:Failed to fetch (\S+)|.*GPG error: (\S+))", re.MULTILINE)
_KEPT_BACK = re.compile(r"^The following packages have been kept back:\n((?:  .*\n)+)", re.MULTILINE)
_SELECTED = re.compile(r"^Note, selecting '[^']+' instead of '([^']+)'", re.MULTILINE)

_MEANINGS: tuple[tuple[str, type[OsapiError], str], ...] = (
    ("Unable to locate package", NotFound, "not_found"),
    ("has no installation candidate", NotFound, "not_found"),
    (r"Version '.*' for '.*' was not found", NotFound, "not_found"),
    ("Essential packages were removed", Protected, "protected"),
    ("Held packages were changed", Conflict, "conflict"),
    ("Packages were downgraded", Conflict, "conflict"),
    ("unmet dependencies|held broken packages|generated breaks", Conflict, "conflict"),
    (r"Permission denied|are you root\?", Permanent, "denied"),
    ("Could not get lock|Unable to acquire the dpkg frontend lock|Unable to lock", Permanent, "locked"),
    ("lock was locked by another process", Permanent, "locked"),
    ("dpkg was interrupted", Permanent, "needs_repair"),
    ("enough free space|No space left on device", Permanent, "no_space"),
)
"""What apt-get says (in the C locale), and which failure it is. The first that fits counts."""

_REMEDIES = {
    "not_found": "; check the name, or refresh the lists with package update",
    "denied": "; run the agent as root, or let it use sudo (agent.privilege_escalation)",
    "needs_repair": "; package repair ends it",
    "no_space": "; make room there first",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One package in a simulation. `old` is empty for one that is new, `new` for one that goes."""

    name: str
    """As apt-get writes it: with `:architecture` when that is not the host's own."""
    old: str
    new: str
    origin: str

    @property
    def removes(self) -> bool:
        return not self.new

    @property
    def is_security(self) -> bool:
        """Whether it comes from an archive of security updates."""
        return "security" in self.origin.lower()

    @property
    def sentence(self) -> str:
        """For people."""
        if self.removes:
            return f"remove {self.name} {self.old}"
        return f"upgrade {self.name} {self.old} -> {self.new}" if self.old else f"install {self.name} {self.new}"

    def is_for(self, name: str) -> bool:
        """Whether a request by this name means this package."""
        return self.name == name or self.name == name.partition(":")[0]


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """What apt-get would do."""

    steps: tuple[Step, ...] = ()
    selected: frozenset[str] = frozenset()
    """Names for which apt-get took a package that provides them."""
    becomes_manual: bool = False
    """Whether a package that came along with another one is from now on wanted for itself."""
    kept_back: tuple[str, ...] = ()
    """Packages that could be newer and are left as they are."""

    @property
    def removals(self) -> list[Step]:
        return [step for step in self.steps if step.removes]

    @property
    def upgrades(self) -> list[Step]:
        return [step for step in self.steps if step.old and step.new]

    @property
    def diff(self) -> str:
        """Every step, for people."""
        return "\n".join(step.sentence for step in self.steps)


@dataclass(frozen=True)
class Order:
    """What apt-get is asked to do: options, a verb, and packages if it takes any."""

    verb: str
    targets: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        return (*self.options, self.verb, *(("--", *self.targets) if self.targets else ()))

    def __str__(self) -> str:
        return " ".join((self.verb, *self.targets))


def simulation_of(order: Order) -> tuple[str, ...]:
    """The call that tells what would be done. It takes no lock and needs no privilege."""
    return ("apt-get", "-q", "-s", "-y", "-o", "Debug::NoLocking=1", *order.words)


UPGRADES = ("apt-get", "-q", "-s", "-o", "Debug::NoLocking=1", "--ignore-hold", "dist-upgrade")
"""The call that tells every update, also of what is on hold."""


def change(order: Order) -> Run:
    """Carry out what was simulated."""
    return _run("apt-get", *_APT, *_KEEP_CONFIGURATION, *order.words)


def refresh() -> Run:
    """Fetch the lists of packages."""
    return _run("apt-get", *_APT, "update")


def automatic(targets: Iterable[str]) -> tuple[str, ...]:
    """The call that tells which of these packages came along with others."""
    return ("apt-mark", "showauto", "--", *targets)


def mark(verb: str, targets: Iterable[str]) -> Run:
    """Have apt-mark(8) note something about packages: `hold`, `unhold`, `auto`. It does not wait for locks."""
    return _run("apt-mark", verb, "--", *targets)


def configure() -> Run:
    """Have dpkg(1) end what it was interrupted in, as far as it can. It does not wait for locks."""
    return _run("dpkg", "--force-confdef", "--force-confold", "--configure", "-a")


def parse(output: str) -> Simulation:
    """Read the output of a simulation."""
    return Simulation(
        steps=tuple(_steps(output)),
        selected=frozenset(_SELECTED.findall(output)),
        becomes_manual=" set to manually installed." in output,
        kept_back=tuple(" ".join(_KEPT_BACK.findall(output)).split()),
    )


def failed_sources(output: str) -> list[str]:
    """Addresses that gave no list, from what `apt-get update` warns of."""
    return sorted({fetched or signed.rstrip(":") for fetched, signed in _FAILED_SOURCE.findall(output)})


def unmet(output: str) -> set[str]:
    """Packages that a simulation could not keep whole."""
    return {name.partition(":")[0] for name in _UNMET.findall(output)}


def text(completed: Completed) -> str:
    """Both streams; apt-get tells the reasons in one and the error in the other."""
    return f"{completed.stdout.decode('utf-8', 'replace')}\n{completed.stderr.decode('utf-8', 'replace')}"


def refusal(completed: Completed, what: str) -> OsapiError:
    """The failure that an apt-get which did not end well stands for. `what` names the attempt."""
    said = text(completed)
    for pattern, kind, code in _MEANINGS:
        if re.search(pattern, said):
            return kind(f"cannot {what}: {_reason(said)}{_holder(said)}{_REMEDIES.get(code, '')}", code=code)
    return failure_of(completed)


def _run(*argv: str) -> Run:
    return Run(
        argv=argv,
        env=ENVIRONMENT,
        deadline_s=WRITE_DEADLINE_S,
        privileged=True,
        live=True,
        accept=None,
    )


def _steps(output: str) -> Iterator[Step]:
    for line in output.splitlines():
        found = _STEP.match(line)
        if found:
            _, name, old, new, origin = found.groups(default="")
            yield Step(name=name, old=old, new=new, origin=origin.strip())


def _reason(said: str) -> str:
    """What apt-get gives as reasons: unmet dependencies and errors."""
    telling = ("E: ", "W: ", "dpkg: error: ")
    reasons = [line.strip() for line in said.splitlines() if line.startswith(telling) or _UNMET.match(line)]
    return "; ".join(dict.fromkeys(reasons))[:2048]


def _holder(said: str) -> str:
    found = _HOLDER.search(said)
    if found is None:
        return ""
    name = f", {found[2]}" if found[2] else ""
    return f" (held by process {found[1] or found[3]}{name}; try again when it is done)"
