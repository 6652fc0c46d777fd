"""Accounts and their keys on real Debian hosts, looked at with getent(1), passwd(1) and stat(1).

Passwords are tried as somebody would who logs in: su(1), started by an account that may do nothing without one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from tests.acceptance.fleet import Answer, Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

NAME = "osuser"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f alice@laptop"
FILE = f"/home/{NAME}/.ssh/authorized_keys"


def on_host(fleet: Fleet, *words: str) -> str:
    return fleet.bed("enter", 1, *words, check=False)


def user(fleet: Fleet, *words: str, stdin: str = "") -> Answer:
    return fleet.client("node", "user", *words, "--name", NAME, "-T", "host1", stdin=stdin)


def opens(fleet: Fleet, password: str) -> bool:
    """Whether somebody who knows this password gets into the account."""
    words = ("runuser", "-u", "nobody", "--", "su", "-s", "/bin/sh", "-c", "id -un", NAME)
    said = fleet.bed("enter", 1, *words, stdin=f"{password}\n".encode(), check=False)
    if said.endswith(NAME):
        on_host(fleet, "loginctl", "terminate-user", NAME)
        eventually(lambda: on_host(fleet, "pgrep", "-u", NAME) == "", "the session has not ended")
    return said.endswith(NAME)


def changed(answer: Answer) -> bool:
    """Whether it says that it changed something; it must have succeeded."""
    assert answer.status == 0, answer
    return bool(answer.results["host1"]["changed"])


@pytest.fixture
def account(fleet: Fleet) -> Iterator[str]:
    """An account that is made by OSAPI and gone afterwards."""
    assert changed(user(fleet, "create", "--uid", "4400", "--shell", "/bin/bash", "--groups", "games"))
    yield NAME
    on_host(fleet, "userdel", "--remove", NAME)


def test_an_account_is_made_and_a_second_call_changes_nothing(fleet: Fleet, account: str) -> None:
    assert on_host(fleet, "getent", "passwd", account) == f"{NAME}:x:4400:4400::/home/{NAME}:/bin/bash"
    assert on_host(fleet, "id", "-Gn", account) == f"{NAME} games"
    assert on_host(fleet, "stat", "-c", "%U %F", f"/home/{NAME}") == f"{NAME} directory"
    assert not changed(user(fleet, "create", "--uid", "4400", "--shell", "/bin/bash", "--groups", "games"))
    assert user(fleet, "create", "--uid", "4401").status != 0


def test_check_mode_makes_no_account(fleet: Fleet) -> None:
    assert changed(user(fleet, "create", "--check"))
    assert on_host(fleet, "getent", "passwd", NAME) == ""


def test_shell_home_and_groups_are_changed(fleet: Fleet, account: str) -> None:
    on_host(fleet, "touch", f"/home/{NAME}/kept")
    words = ("update", "--shell", "/usr/sbin/nologin", "--home", "/home/osmoved", "--groups", "")
    assert changed(user(fleet, *words))
    assert on_host(fleet, "getent", "passwd", account) == f"{NAME}:x:4400:4400::/home/osmoved:/usr/sbin/nologin"
    assert on_host(fleet, "id", "-Gn", account) == NAME
    assert on_host(fleet, "ls", "/home/osmoved") == "kept"
    assert not changed(user(fleet, *words))
    assert user(fleet, "update", "--shell", "/bin/no-such-shell").status != 0


def test_an_account_is_shut_and_opened(fleet: Fleet, account: str) -> None:
    fleet.bed("enter", 1, "chpasswd", stdin=f"{account}:Correct-Horse-7\n".encode())
    password = on_host(fleet, "getent", "shadow", account).split(":")[1]

    assert changed(user(fleet, "update", "--lock"))
    fields = on_host(fleet, "getent", "shadow", account).split(":")
    assert (fields[1], fields[7]) == (f"!{password}", "1")
    assert not changed(user(fleet, "update", "--lock"))
    (shown,) = user(fleet, "get").results["host1"]["users"]
    assert (shown["locked"], shown["expired"]) == (True, True)

    assert changed(user(fleet, "update", "--unlock"))
    fields = on_host(fleet, "getent", "shadow", account).split(":")
    assert (fields[1], fields[7]) == (password, "")
    assert not changed(user(fleet, "update", "--unlock"))
    assert user(fleet, "get").results["host1"]["users"][0]["locked"] is False


def test_an_account_is_removed_with_its_home_only_when_asked(fleet: Fleet, account: str) -> None:
    assert changed(user(fleet, "delete"))
    assert on_host(fleet, "getent", "passwd", account) == ""
    assert on_host(fleet, "stat", "-c", "%u", f"/home/{NAME}") == "4400"
    assert not changed(user(fleet, "delete"))

    assert changed(user(fleet, "create", "--uid", "4400"))
    assert changed(user(fleet, "delete", "--remove-home"))
    assert on_host(fleet, "ls", "/home", f"/home/{NAME}").find("osuser") == -1


def test_an_account_that_is_in_use_stays(fleet: Fleet, account: str) -> None:
    fleet.bed("enter", 1, "systemd-run", "--unit=osapi-busy", f"--uid={account}", "sleep", "120")
    answer = user(fleet, "delete")
    on_host(fleet, "systemctl", "stop", "osapi-busy")
    assert (answer.status != 0, "in_use" in answer.stdout + answer.stderr) == (True, True), answer
    assert on_host(fleet, "getent", "passwd", account) != ""


def test_root_and_the_system_stay(fleet: Fleet) -> None:
    for name in ("root", "daemon"):
        assert fleet.client("node", "user", "delete", "--name", name, "-T", "host1").status != 0
        assert on_host(fleet, "getent", "passwd", name) != ""


def test_a_key_is_added_listed_and_removed_and_the_rest_of_the_file_stays(fleet: Fleet, account: str) -> None:
    assert changed(user(fleet, "ssh-key", "add", "--key", KEY))
    assert on_host(fleet, "cat", FILE) == KEY
    assert on_host(fleet, "stat", "-c", "%U %G %a", FILE, f"/home/{NAME}/.ssh").splitlines() == [
        f"{NAME} {NAME} 600",
        f"{NAME} {NAME} 700",
    ]
    assert not changed(user(fleet, "ssh-key", "add", "--key", KEY))

    other = (
        'from="10.0.0.0/8",restrict ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICAfHh0cGxoZGBcWFRQTEhEQDw4NDAsKCQgHBgUEAwIB'
    )
    fleet.bed.write(1, FILE, f"# mine\n{KEY}\n{other}".encode(), mode="600")
    keys = user(fleet, "ssh-key", "list").results["host1"]["keys"]
    assert [key.get("options", "") for key in keys] == ["", 'from="10.0.0.0/8",restrict']

    gone = user(fleet, "ssh-key", "remove", "--fingerprint", keys[0]["fingerprint"])
    assert changed(gone)
    assert on_host(fleet, "cat", FILE) == f"# mine\n{other}"
    assert changed(user(fleet, "ssh-key", "add", "--key", KEY))
    assert on_host(fleet, "cat", FILE) == f"# mine\n{other}\n{KEY}"


def test_a_link_leads_nowhere(fleet: Fleet, account: str) -> None:
    before = on_host(fleet, "sha256sum", "/etc/shadow")
    on_host(fleet, "install", "-d", "-o", account, "-m", "700", f"/home/{NAME}/.ssh")
    on_host(fleet, "ln", "-s", "/etc/shadow", FILE)
    answer = user(fleet, "ssh-key", "add", "--key", KEY)
    assert (answer.status != 0, "unsafe_path" in answer.stdout + answer.stderr) == (True, True), answer
    assert on_host(fleet, "sha256sum", "/etc/shadow") == before


# -- passwords ---------------------------------------------------------------------------------

PASSWORD = "Correct-Horse-7"
ODD = "a'$(touch /tmp/osapi-canary)'b\\n\\"


def set_password(fleet: Fleet, password: str, *words: str) -> bool:
    return changed(user(fleet, "password", "--password-stdin", *words, stdin=f"{password}\n"))


@pytest.mark.parametrize("password", [PASSWORD, ODD, "x" * 200, "é: ü", " with blanks "])
def test_a_password_opens_the_account_and_a_second_call_changes_nothing(
    fleet: Fleet, account: str, password: str
) -> None:
    assert not opens(fleet, password)
    assert set_password(fleet, password)
    assert opens(fleet, password)
    assert not opens(fleet, f"{password}x")
    field = on_host(fleet, "getent", "shadow", account)
    assert not set_password(fleet, password)
    assert on_host(fleet, "getent", "shadow", account) == field
    assert on_host(fleet, "ls", "/tmp/osapi-canary") == ""


def test_check_mode_sets_no_password(fleet: Fleet, account: str) -> None:
    before = on_host(fleet, "getent", "shadow", account)
    answer = user(fleet, "password", "--password-stdin", "--check", stdin=f"{PASSWORD}\n")
    assert changed(answer)
    assert answer.results["host1"]["diff"] == f"account {NAME}: password set"
    assert on_host(fleet, "getent", "shadow", account) == before


def test_a_hash_is_a_password_too(fleet: Fleet, account: str) -> None:
    made = fleet.bed(
        "enter", 1, "perl", "-e", "print crypt(<STDIN> =~ s/\\n//r, q($6$osapi$))", stdin=b"made elsewhere\n"
    )
    assert made.startswith("$6$osapi$")
    assert set_password(fleet, made, "--hashed")
    assert on_host(fleet, "getent", "shadow", account).split(":")[1] == made
    assert opens(fleet, "made elsewhere")
    assert not set_password(fleet, made, "--hashed")
    assert not set_password(fleet, "made elsewhere")


def test_an_account_is_made_with_its_password(fleet: Fleet) -> None:
    words = ("create", "--uid", "4401", "--shell", "/bin/bash", "--password-stdin")
    try:
        assert changed(user(fleet, *words, stdin=PASSWORD))
        assert opens(fleet, PASSWORD)
        assert not changed(user(fleet, *words, stdin=PASSWORD))
        other = user(fleet, *words, stdin="another one")
        assert (other.status != 0, "another password" in other.stdout + other.stderr) == (True, True), other
    finally:
        on_host(fleet, "userdel", "--remove", NAME)


def test_a_locked_account_is_not_opened_by_a_password(fleet: Fleet, account: str) -> None:
    assert set_password(fleet, PASSWORD)
    assert changed(user(fleet, "update", "--lock"))
    assert user(fleet, "password", "--password-stdin", stdin="another one").status != 0
    assert not opens(fleet, PASSWORD)
    assert changed(user(fleet, "update", "--unlock"))
    assert opens(fleet, PASSWORD)


def test_row_46_a_password_is_nowhere_on_the_host_but_as_a_hash(fleet: Fleet, account: str) -> None:
    needle = f"Kanarienvogel-{secrets.token_hex(8)}"  # in no source text: hosts see the checkout
    fleet.bed.write(1, "/run/needle", needle.encode())
    look = "while :; do grep -lsaf /run/needle /proc/[0-9]*/cmdline /proc/[0-9]*/environ >> /run/seen; echo >> /run/looks; done"
    fleet.bed("enter", 1, "systemd-run", "--unit=osapi-watch", "sh", "-c", look)
    operations = 0
    for password in (needle, f"{needle}-2", needle):
        assert set_password(fleet, password)
        operations += 1
    on_host(fleet, "systemctl", "stop", "osapi-watch")
    looks = int(on_host(fleet, "sh", "-c", "wc -l < /run/looks"))
    places = {
        "processes": on_host(fleet, "cat", "/run/seen"),
        "agent": on_host(fleet, "grep", "-rlsaf", "/run/needle", "/var/lib/osapi", "/etc", "/home", "/tmp"),
        "journal": on_host(fleet, "sh", "-c", "journalctl --no-pager -o export | grep -acf /run/needle | grep -v ^0"),
    }
    found = {place: where for place, where in places.items() if where}
    print(
        f"\nrow 46, on a host: places = {len(places)}, operations = {operations}, looks = {looks}, hits = {len(found)} {found}"
    )
    assert found == {}
    assert looks > 10
    assert opens(fleet, needle)
