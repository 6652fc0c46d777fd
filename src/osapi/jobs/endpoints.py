"""The facts of every job route, from which routing, documentation and SDK follow."""

from __future__ import annotations

from osapi.contract.endpoint import Endpoint
from osapi.jobs import api

_TAG = "Job"

LIST = Endpoint(
    operation_id="getJobs",
    method="GET",
    path="/api/job",
    permission="job:read",
    summary="List jobs, newest first.",
    tag=_TAG,
    request=api.JobListRequest,
    response=api.JobList,
)
GET = Endpoint(
    operation_id="GetJobByID",
    method="GET",
    path="/api/job/{id}",
    permission="job:read",
    summary="Show one job with its timeline and every host's answer.",
    tag=_TAG,
    request=api.JobRequest,
    response=api.JobDetail,
)
DELETE = Endpoint(
    operation_id="DeleteJobByID",
    method="DELETE",
    path="/api/job/{id}",
    permission="job:write",
    summary="Delete a job and all its traces; one that is under way is cancelled first.",
    tag=_TAG,
    request=api.JobRequest,
    response=None,
    status=204,
)
RETRY = Endpoint(
    operation_id="RetryJobByID",
    method="POST",
    path="/api/job/{id}/retry",
    permission="job:write",
    summary="Submit the same operation again as a new job, to the same target unless told otherwise.",
    tag=_TAG,
    request=api.JobRetryRequest,
    response=api.JobCreated,
    status=201,
    body_required=False,
)
CANCEL = Endpoint(
    operation_id="CancelJobByID",
    method="POST",
    path="/api/job/{id}/cancel",
    permission="job:write",
    summary="Stop a job on every host that has not finished it.",
    tag=_TAG,
    request=api.JobRequest,
    response=api.JobCreated,
    status=202,
    body_required=False,
)
JOB_EVENTS = Endpoint(
    operation_id="GetJobEvents",
    method="GET",
    path="/api/job/{id}/events",
    permission="job:read",
    summary="Follow one job as server-sent events, from its beginning to the event `done`.",
    tag=_TAG,
    request=api.JobRequest,
    response=api.JobEvent,
    stream=True,
)
EVENTS = Endpoint(
    operation_id="GetEvents",
    method="GET",
    path="/api/events",
    permission="job:read",
    summary="Follow all jobs as server-sent events.",
    tag=_TAG,
    request=api.EventsRequest,
    response=api.JobEvent,
    stream=True,
)
OUTPUTS = Endpoint(
    operation_id="GetJobOutputs",
    method="GET",
    path="/api/job/{id}/output",
    permission="job:read",
    summary="List the output of a job that is kept whole.",
    tag=_TAG,
    request=api.JobRequest,
    response=api.JobOutputs,
)
OUTPUT = Endpoint(
    operation_id="GetJobOutput",
    method="GET",
    path="/api/job/{id}/output/{hostname}/{name}",
    permission="job:read",
    summary="Download output of a job that is kept whole.",
    tag=_TAG,
    request=api.JobOutputRequest,
    response=bytes,
)
LIST_DEAD_LETTERS = Endpoint(
    operation_id="GetDeadLetters",
    method="GET",
    path="/api/job/dead-letter",
    permission="job:read",
    summary="List deliveries that came to nothing.",
    tag=_TAG,
    request=api.DeadLetterListRequest,
    response=api.DeadLetterList,
)
REPLAY_DEAD_LETTER = Endpoint(
    operation_id="ReplayDeadLetter",
    method="POST",
    path="/api/job/dead-letter/{id}/replay",
    permission="job:write",
    summary="Submit the job of a dead letter again to the host it did not reach, and delete the letter.",
    tag=_TAG,
    request=api.DeadLetterRequest,
    response=api.JobCreated,
    status=201,
    body_required=False,
)
PURGE_DEAD_LETTERS = Endpoint(
    operation_id="DeleteDeadLetters",
    method="DELETE",
    path="/api/job/dead-letter",
    permission="job:write",
    summary="Delete one dead letter or all of them.",
    tag=_TAG,
    request=api.DeadLetterPurgeRequest,
    response=api.DeadLettersPurged,
)
