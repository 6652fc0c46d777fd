"""What is remembered of jobs that are over, and for how long."""

from __future__ import annotations

from datetime import timedelta

from tests.unit.agent.kit import NOW

from osapi.agent.intake import Standing
from osapi.agent.memory import CANCEL_MEMORY, MARGIN, Memory
from osapi.contract.ids import JobId

JOB, OTHER = JobId("a"), JobId("b")
SECOND = timedelta(seconds=1)


def test_a_finished_job_is_remembered_until_after_its_expiry() -> None:
    memory = Memory()
    memory.finished(JOB, NOW, NOW)
    memory.finished(OTHER, NOW + MARGIN, NOW + MARGIN)
    assert memory.standing(JOB) is Standing.FINISHED
    memory.finished(OTHER, NOW + MARGIN, NOW + MARGIN + SECOND)
    assert memory.standing(JOB) is Standing.NEW
    assert memory.standing(OTHER) is Standing.FINISHED


def test_an_order_to_cancel_waits_for_its_job() -> None:
    memory = Memory()
    memory.cancelled(JOB, NOW)
    assert memory.standing(JOB) is Standing.CANCELLED
    memory.cancelled(OTHER, NOW + CANCEL_MEMORY + SECOND)
    assert memory.standing(JOB) is Standing.NEW


def test_a_finished_job_cannot_be_cancelled() -> None:
    memory = Memory()
    memory.finished(JOB, NOW, NOW)
    memory.cancelled(JOB, NOW)
    assert memory.standing(JOB) is Standing.FINISHED


def test_a_cancelled_job_that_came_is_finished() -> None:
    memory = Memory()
    memory.cancelled(JOB, NOW)
    memory.finished(JOB, NOW + 2 * CANCEL_MEMORY, NOW)
    memory.cancelled(OTHER, NOW + CANCEL_MEMORY + SECOND)
    assert memory.standing(JOB) is Standing.FINISHED
