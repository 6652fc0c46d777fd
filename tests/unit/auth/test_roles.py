"""Permissions and roles are those of the contract; roles of the settings work, limits included."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from osapi.auth import permissions, roles
from osapi.auth.identity import ANONYMOUS, Identity, grants
from osapi.config.controller import Role
from osapi.contract.errors import Invalid

CONTRACT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "contract" / "permissions.json").read_text(encoding="utf-8")
)
WEB = {"group": "web.dev"}
DB = {"group": "db"}


def identity(names: list[str], direct: list[str] = [], **custom: Role) -> Identity:  # noqa: B006 - never changed
    known = roles.from_settings(custom)
    return Identity("anna", tuple(names), grants(names, direct, known))


def role(*names: str, **labels: str) -> Role:
    return Role(permissions=list(names), labels=labels)


def test_the_permissions_are_those_of_the_contract() -> None:
    ours = ["notify:read", "notify:write", "token:read", "token:write"]
    assert list(permissions.PERMISSIONS) == [*CONTRACT["permissions"], *ours]


@pytest.mark.parametrize("name", ["admin", "write", "read"])
def test_a_built_in_role_is_that_of_the_contract(name: str) -> None:
    ours = {
        "admin": {"notify:read", "notify:write", "token:read", "token:write"},
        "write": {"notify:read", "notify:write"},
        "read": {"notify:read"},
    }[name]
    assert roles.BUILT_IN[name].permissions == set(CONTRACT["roles"][name]) | ours
    assert roles.BUILT_IN[name].limit is None


def test_a_role_of_the_settings_works() -> None:
    anna = identity(["operator"], operator=role("command:execute"))
    assert anna.permissions == {"command:execute"}


def test_a_role_of_the_settings_replaces_a_built_in_one() -> None:
    assert identity(["read"], read=role("sysctl:read")).permissions == {"sysctl:read"}


def test_an_unknown_permission_is_named_with_its_setting() -> None:
    with pytest.raises(Invalid, match=r"security\.roles\.x\.permissions: unknown permission sysctl:reed"):
        roles.from_settings({"x": role("sysctl:reed")})


def test_a_malformed_label_is_named_with_its_setting() -> None:
    with pytest.raises(Invalid, match=r"security\.roles\.x\.labels"):
        roles.from_settings({"x": role("sysctl:read", group="web.")})


def test_unknown_role_names_are_listed() -> None:
    with pytest.raises(Invalid, match="unknown role emperor; there are admin, read, write"):
        roles.check_names(["read", "emperor"], roles.BUILT_IN)


@pytest.mark.parametrize(
    ("labels", "reached"),
    [({"group": "web"}, True), ({"group": "web.dev.eu"}, True), ({"group": "webx"}, False), ({"os": "web"}, False)],
)
def test_a_limited_role_reaches_hosts_with_the_label_and_below(labels: Mapping[str, str], reached: bool) -> None:
    anna = identity(["web"], web=role("sysctl:write", group="web"))
    assert anna.reach("sysctl:write")(labels) is reached
    assert anna.reaches(labels) is reached
    assert anna.reach("sysctl:write").is_limited


def test_several_labels_of_a_role_must_all_be_there() -> None:
    anna = identity(["web"], web=role("sysctl:write", group="web", stage="test"))
    assert anna.reach("sysctl:write")({"group": "web", "stage": "test"})
    assert not anna.reach("sysctl:write")({"group": "web"})


def test_two_limited_roles_reach_the_hosts_of_both() -> None:
    anna = identity(["web", "db"], web=role("sysctl:write", group="web"), db=role("sysctl:write", group="db"))
    assert anna.reach("sysctl:write")(WEB)
    assert anna.reach("sysctl:write")(DB)
    assert not anna.reach("sysctl:write")({})


def test_a_role_without_limit_lifts_the_limit_of_another() -> None:
    anna = identity(["web", "write"], web=role("sysctl:write", group="web"))
    assert not anna.reach("sysctl:write").is_limited


def test_a_role_never_lends_its_hosts_to_the_permissions_of_another() -> None:
    anna = identity(["read", "web"], web=role("command:execute", group="web"))
    assert anna.reach("node:read")(DB)
    assert not anna.reach("command:execute")(DB)
    assert not anna.reaches(DB), "a route that combines permissions must not reach further than each of them"
    assert anna.reaches(WEB)


def test_direct_permissions_keep_the_limit_of_every_limited_role() -> None:
    limited = {"web": role("sysctl:read", group="web"), "test": role("sysctl:read", stage="test")}
    anna = identity(["web", "test", "read"], ["command:execute"], **limited)
    assert anna.permissions == {"command:execute"}
    assert anna.reach("command:execute")({"group": "web", "stage": "test"})
    assert not anna.reach("command:execute")(WEB)


def test_a_permission_that_is_not_held_reaches_nobody() -> None:
    anna = identity(["read"])
    assert not anna.reach("node:write")({})
    assert anna.reach("node:write").is_limited


def test_nobody_reaches_nothing() -> None:
    assert not ANONYMOUS.reaches({})
    assert not any(ANONYMOUS.may(permission) for permission in permissions.PERMISSIONS)
