"""What the package operations take and answer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from osapi.contract.operation import Change

Name = Annotated[
    str,
    Meta(
        description="Package as the distribution names it, with `:architecture` if one is meant: `nginx`, `libc6:i386`.",
        min_length=2,
        max_length=200,
        pattern=r"^[a-z0-9][a-z0-9+.-]*[a-z0-9+.](?::[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)?$(?!\n)",
        examples=["nginx"],
    ),
]
"""Debian Policy 5.6.1, but for a last `-`, which apt-get(8) reads as an order to remove."""

Version = Annotated[
    str,
    Meta(
        description="Exact version to install. Default: the one that the sources of packages prefer.",
        max_length=200,
        pattern=r"^(?:[0-9A-Za-z](?:[0-9A-Za-z.+:~-]*[0-9A-Za-z.~])?)?$(?!\n)",
        examples=["1.22.1-9"],
    ),
]

AllowRemovals = Annotated[
    bool, Meta(description="Go on also when other packages must be removed for it; they are named otherwise.")
]


class PackageName(Struct, kw_only=True):
    """Names one package."""

    name: Name


class PackageInstall(Struct, kw_only=True):
    """A package to install, or to bring to the newest or to a certain version."""

    name: Name
    version: Version = ""
    allow_removals: AllowRemovals = False


class PackageUpgrade(Struct, kw_only=True):
    """What to bring to newer versions: one package, or everything."""

    name: Annotated[Name | None, Meta(description="Package to upgrade. Left out: every package.")] = None
    version: Version = ""
    security: Annotated[
        bool, Meta(description="Only what comes from an archive of security updates. Not for a single package.")
    ] = False
    allow_removals: AllowRemovals = False

    def __post_init__(self) -> None:
        if self.name is None and self.version:
            raise ValueError("a version is that of one package; give its name")
        if self.name is not None and self.security:
            raise ValueError("security is for upgrading everything; leave out the name")


class PackageRepair(Struct, kw_only=True):
    """How far a repair may go."""

    allow_removals: AllowRemovals = False


class PackageRemove(Struct, kw_only=True):
    """A package to remove."""

    name: Name
    allow_removals: AllowRemovals = False


class PackageInfo(Struct, kw_only=True):
    """One package that is on the host."""

    name: Annotated[str, Meta(description="Package.")]
    version: Annotated[str, Meta(description="Version that is installed.")]
    description: Annotated[str, Meta(description="What it is, in one line.")]
    status: Annotated[
        str,
        Meta(
            description="`installed`; `held` when it is installed and kept at its version; else what is wrong with it, "
            "such as `half-configured` or `reinstall-required`."
        ),
    ]
    size: Annotated[int, Meta(description="Bytes it takes when installed, as its maker states.")]
    architecture: Annotated[str, Meta(description="Architecture it is made for; `all` when for any.")]


class PackageList(Struct, kw_only=True):
    """Packages that are on the host."""

    packages: Annotated[list[PackageInfo], Meta(description="Packages, by name.")]


class UpdateInfo(Struct, kw_only=True):
    """A newer version of a package that is installed."""

    name: Annotated[str, Meta(description="Package; with `:architecture` when it is not the host's own.")]
    current_version: Annotated[str, Meta(description="Version that is installed.")]
    new_version: Annotated[str, Meta(description="Version that would be installed.")]
    security: Annotated[bool, Meta(description="Whether it comes from an archive of security updates.")]


class UpdateList(Struct, kw_only=True):
    """Newer versions of what is installed."""

    updates: Annotated[list[UpdateInfo], Meta(description="Updates, by name. Packages on hold are among them.")]


class PackageVersion(Struct, kw_only=True):
    """One version of a package that the host could have."""

    version: Annotated[str, Meta(description="Version.")]
    installed: Annotated[bool, Meta(description="Whether it is the one that is installed.")]
    candidate: Annotated[bool, Meta(description="Whether it is the one that would be installed.")]
    sources: Annotated[
        list[str], Meta(description="Where it can be had; empty for one that is only installed.", examples=[[]])
    ]


class PackageVersions(Struct, kw_only=True, omit_defaults=True):
    """The versions of a package, the newest first."""

    name: Annotated[str, Meta(description="Package.")]
    versions: Annotated[list[PackageVersion], Meta(description="Versions, the newest first.")]
    installed: Annotated[str, Meta(description="Version that is installed; absent when none is.")] = ""
    candidate: Annotated[str, Meta(description="Version that would be installed; absent when none would.")] = ""


class PackageChange(Change, kw_only=True):
    """What became of a package."""

    name: Annotated[str, Meta(description="Package that was asked for; absent when the lists were refreshed.")] = ""
    reboot_required: Annotated[bool, Meta(description="Whether the host asks to be restarted.")] = False


class UpgradeChange(PackageChange, kw_only=True):
    """What became of an upgrade."""

    updates: Annotated[list[UpdateInfo], Meta(description="Packages that got a newer version, by name.")] = []  # noqa: RUF012 - a struct copies its defaults
    kept_back: Annotated[
        list[str],
        Meta(description="Packages that could be newer and stay as they are: on hold, or others would have to go."),
    ] = []  # noqa: RUF012 - as above


class RepairChange(PackageChange, kw_only=True):
    """What became of a repair."""

    broken: Annotated[
        list[str], Meta(description="Packages that were in a broken state; in check mode, that are.")
    ] = []  # noqa: RUF012 - a struct copies its defaults


class ListsChange(PackageChange, kw_only=True):
    """What became of the lists of packages."""

    failed_sources: Annotated[
        list[str], Meta(description="Addresses that gave no list; what was known of them before is kept.")
    ] = []  # noqa: RUF012 - a struct copies its defaults
