"""The operations on accounts and their SSH keys."""

from __future__ import annotations

from datetime import timedelta

from osapi.contract.operation import Column, Kind, Nothing, Operation
from osapi.domains.user.models import (
    SshKeyAdd,
    SshKeyChange,
    SshKeyRemove,
    SshKeyReport,
    UserChange,
    UserCreate,
    UserDelete,
    UserName,
    UserPassword,
    UserReport,
    UserUpdate,
)

_LOCK = "accounts"
_MOVING = timedelta(seconds=300)
"""A home directory may have to be copied or removed."""
_NAME = (Column("NAME", "name"),)
_CHANGED = (Column("CHANGED", "changed"),)
_USER = (
    Column("NAME", "users[].name"),
    Column("UID", "users[].uid"),
    Column("HOME", "users[].home"),
    Column("SHELL", "users[].shell"),
    Column("GROUPS", "users[].groups"),
)

LIST = Operation(
    name="node.user.list",
    operation_id="GetNodeUser",
    kind=Kind.QUERY,
    request=Nothing,
    result=UserReport,
    permission="user:read",
    route=("GET", "/user"),
    command=("node", "user", "list"),
    summary="List the accounts.",
    columns=_USER,
)

GET = Operation(
    name="node.user.get",
    operation_id="GetNodeUserByName",
    kind=Kind.QUERY,
    request=UserName,
    result=UserReport,
    permission="user:read",
    route=("GET", "/user/{name}"),
    command=("node", "user", "get"),
    summary="Show an account.",
    columns=_USER,
)

CREATE = Operation(
    name="node.user.create",
    operation_id="PostNodeUser",
    kind=Kind.MODIFY,
    request=UserCreate,
    result=UserChange,
    permission="user:write",
    route=("POST", "/user"),
    command=("node", "user", "create"),
    summary="Make an account.",
    columns=_NAME,
    lock=_LOCK,
    idempotent=True,
)

UPDATE = Operation(
    name="node.user.update",
    operation_id="PutNodeUser",
    kind=Kind.MODIFY,
    request=UserUpdate,
    result=UserChange,
    permission="user:write",
    route=("PUT", "/user/{name}"),
    command=("node", "user", "update"),
    summary="Change shell, home or groups of an account, or shut or open it.",
    columns=_NAME,
    deadline=_MOVING,
    lock=_LOCK,
    idempotent=True,
)

DELETE = Operation(
    name="node.user.delete",
    operation_id="DeleteNodeUser",
    kind=Kind.MODIFY,
    request=UserDelete,
    result=UserChange,
    permission="user:write",
    route=("DELETE", "/user/{name}"),
    command=("node", "user", "delete"),
    summary="Remove an account.",
    columns=_NAME,
    deadline=_MOVING,
    lock=_LOCK,
    idempotent=True,
)

PASSWORD = Operation(
    name="node.user.password",
    operation_id="PostNodeUserPassword",
    kind=Kind.MODIFY,
    request=UserPassword,
    result=UserChange,
    permission="user:write",
    route=("POST", "/user/{name}/password"),
    command=("node", "user", "password"),
    summary="Set the password of an account.",
    columns=_NAME,
    lock=_LOCK,
    idempotent=True,
)

SSH_KEY_LIST = Operation(
    name="node.sshKey.list",
    operation_id="GetNodeUserSSHKey",
    kind=Kind.QUERY,
    request=UserName,
    result=SshKeyReport,
    permission="user:read",
    route=("GET", "/user/{name}/ssh-key"),
    command=("node", "user", "ssh-key", "list"),
    summary="List the SSH keys that open an account.",
    columns=(Column("TYPE", "keys[].type"), Column("FINGERPRINT", "keys[].fingerprint")),
)

SSH_KEY_ADD = Operation(
    name="node.sshKey.add",
    operation_id="PostNodeUserSSHKey",
    kind=Kind.MODIFY,
    request=SshKeyAdd,
    result=SshKeyChange,
    permission="user:write",
    route=("POST", "/user/{name}/ssh-key"),
    command=("node", "user", "ssh-key", "add"),
    summary="Let an SSH key open an account.",
    columns=_CHANGED,
    lock=_LOCK,
    idempotent=True,
)

SSH_KEY_REMOVE = Operation(
    name="node.sshKey.remove",
    operation_id="DeleteNodeUserSSHKey",
    kind=Kind.MODIFY,
    request=SshKeyRemove,
    result=SshKeyChange,
    permission="user:write",
    route=("DELETE", "/user/{name}/ssh-key/{fingerprint}"),
    command=("node", "user", "ssh-key", "remove"),
    summary="Let an SSH key open an account no more.",
    columns=_CHANGED,
    lock=_LOCK,
    idempotent=True,
)

OPERATIONS = (LIST, GET, CREATE, UPDATE, DELETE, PASSWORD, SSH_KEY_LIST, SSH_KEY_ADD, SSH_KEY_REMOVE)
