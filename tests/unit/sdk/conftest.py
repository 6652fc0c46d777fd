"""Fixtures of the SDK's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.sdk.kit import FakeController


@pytest.fixture
def controller() -> Iterator[FakeController]:
    """A server on a free port; lay answers ready before asking."""
    with FakeController().running() as controller:
        yield controller
