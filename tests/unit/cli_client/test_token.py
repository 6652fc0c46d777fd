"""Tokens that are refused, on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli_client.conftest import Cli
from tests.unit.sdk.kit import FakeController

ITEM: dict[str, Any] = {
    "revoked_by": "anna", "revoked_at": "2026-01-31T12:00:00Z", "id": "t1", "subject": "ci",
    "expires": "2026-01-31T13:00:00Z", "reason": "le\x1b[2Jft",
}  # fmt: skip


def test_what_is_refused_is_listed(cli: Cli, controller: FakeController) -> None:
    controller.answer({"total_items": 1, "items": [ITEM]})
    ran = cli("client", "token", "list")
    assert (ran.status, controller.asked[0].path) == (0, "/api/token/revoked")
    lines = ran.out.splitlines()
    assert lines[1].split() == ["Total:", "1"]
    assert lines[-1].split()[:2] == ["t1", "ci"]
    assert "\x1b" not in ran.out


def test_a_token_is_read_from_a_file_and_not_shown(cli: Cli, controller: FakeController, tmp_path: Path) -> None:
    controller.answer(ITEM)
    (tmp_path / "token").write_text("a.b.c\n")
    ran = cli("client", "token", "revoke", "--token", f"@{tmp_path / 'token'}", "--reason", "left")
    assert controller.asked[0].json == {"token": "a.b.c", "reason": "left"}
    assert (ran.status, "a.b.c" in ran.out + ran.err) == (0, False)


def test_tokens_of_a_subject_until_a_time(cli: Cli, controller: FakeController) -> None:
    controller.answer({"revoked_by": "anna", "subject": "ci"})
    assert cli("client", "token", "revoke", "-u", "ci", "--issued-before", "2026-01-31T12:00:00+00:00").status == 0
    assert controller.asked[0].json["subject"] == "ci"
    assert controller.asked[0].json["issued_before"].startswith("2026-01-31T")


@pytest.mark.parametrize("words", [(), ("--id", "a", "--subject", "b")])
def test_exactly_one_way_to_name_them_is_asked_for(
    cli: Cli, controller: FakeController, words: tuple[str, ...]
) -> None:
    ran = cli("client", "token", "revoke", *words)
    assert (ran.status, controller.asked) == (1, [])
    assert "exactly one of --token, --id and --subject" in ran.err
