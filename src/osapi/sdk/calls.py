"""Every request besides those to hosts: jobs, dead letters, audit, agents, files, health. The one place that spells their paths.

Only those that read are sent again when a connection breaks: a second retry is a second job, and a second
delete finds nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from osapi.sdk.request import Request, json_body, quote, with_query

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from osapi.sdk.form import UploadForm

LONGEST_WAIT_S = 3600.0
"""The longest that a controller waits for hosts."""
STREAM_SILENCE_S = 60.0
"""A stream of events that is silent for longer is taken for broken; controllers say something every 15 s."""


JSON_LINES = "application/x-ndjson"


def job_list(**filters: Any) -> Request:
    """`filters` as in `JobListRequest`; None is left out."""
    return Request("GET", with_query("/api/job", filters))


def job_get(job_id: str) -> Request:
    """Read one job whole."""
    return Request("GET", _job(job_id))


def job_delete(job_id: str) -> Request:
    """Delete a job and all its traces."""
    return Request("DELETE", _job(job_id))


def job_retry(job_id: str, target: str | None, secrets: Mapping[str, str] | None = None) -> Request:
    """Run a job again. `target` None means where it ran before; `secrets` are those of the job, by their place."""
    body: dict[str, Any] = {} if target is None else {"target_hostname": target}
    if secrets:
        body["secrets"] = dict(secrets)
    return Request("POST", f"{_job(job_id)}/retry", body=json_body(body))


def job_cancel(job_id: str) -> Request:
    """Stop a job on every host that has not finished it."""
    return Request("POST", f"{_job(job_id)}/cancel")


def job_outputs(job_id: str) -> Request:
    """Read what output of a job is kept whole."""
    return Request("GET", f"{_job(job_id)}/output")


def job_output(job_id: str, host: str, name: str) -> Request:
    """Download one output of one host."""
    headers = {"accept": "application/octet-stream"}
    return Request("GET", f"{_job(job_id)}/output/{quote(host)}/{quote(name)}", headers=headers)


def job_events(job_id: str | None, last_id: str = "") -> Request:
    """Events of one job, or of all; only those after `last_id` unless it is empty."""
    headers = {"accept": "text/event-stream"}
    if last_id:
        headers["last-event-id"] = last_id
    path = "/api/events" if job_id is None else f"{_job(job_id)}/events"
    return Request("GET", path, headers=headers, timeout_s=STREAM_SILENCE_S)


def dead_letter_list(limit: int | None = None) -> Request:
    """Read the newest dead letters; `limit` None leaves their number to the controller."""
    return Request("GET", with_query("/api/job/dead-letter", {"limit": limit}))


def dead_letter_replay(letter_id: int) -> Request:
    """Submit the job of a dead letter again."""
    return Request("POST", f"/api/job/dead-letter/{letter_id}/replay")


def dead_letter_purge(letter_id: int | None = None) -> Request:
    """Delete one dead letter, or all of them."""
    return Request("DELETE", with_query("/api/job/dead-letter", {"id": letter_id}))


def audit_list(**filters: Any) -> Request:
    """`filters` as in `AuditListRequest`; None is left out."""
    return Request("GET", with_query("/api/audit", filters))


def audit_get(entry_id: str) -> Request:
    """Read one entry of the audit."""
    return Request("GET", f"/api/audit/{quote(entry_id)}")


def audit_export(**filters: Any) -> Request:
    """Read all entries, a line each; `filters` as in `AuditFilters`."""
    return Request("GET", with_query("/api/audit/export", filters), headers={"accept": JSON_LINES})


def audit_chain() -> Request:
    """Read the chain as it is stored, a message a line."""
    return Request("GET", "/api/audit/chain", headers={"accept": JSON_LINES})


def agent_list(**filters: Any) -> Request:
    """Read agents. `filters` as in `AgentListRequest`; None is left out."""
    return Request("GET", with_query("/api/agent", filters))


def agent_get(name: str) -> Request:
    """Read one agent by host name or machine id."""
    return Request("GET", f"/api/agent/{quote(name)}")


def target(text: str, permission: str | None = None) -> Request:
    """Ask whom a target means, where a permission is held."""
    return Request("GET", with_query("/api/target", {"target": text, "permission": permission}))


def fact_keys() -> Request:
    """Read which facts there are."""
    return Request("GET", "/api/facts/keys")


def notify_list() -> Request:
    """What is wrong now, and how people are told."""
    return Request("GET", "/api/notify")


def notify_test(notifier: str | None = None) -> Request:
    """Send a message that tells of nothing. None means by every notifier that is used."""
    return Request("POST", "/api/notify/test", body=json_body({} if notifier is None else {"notifier": notifier}))


def notify_silences() -> Request:
    """List silences."""
    return Request("GET", "/api/notify/silence")


def notify_silence(**fields: Any) -> Request:
    """`fields` as in `SilenceRequest`; None is left out."""
    given = {name: value for name, value in fields.items() if value is not None}
    return Request("POST", "/api/notify/silence", body=json_body(given))


def notify_unsilence(silence_id: str) -> Request:
    """End a silence."""
    return Request("DELETE", f"/api/notify/silence/{quote(silence_id)}")


def agent_drain(name: str, reason: str = "") -> Request:
    """Let an agent take nothing new."""
    return Request("POST", f"/api/agent/{quote(name)}/drain", body=json_body({"reason": reason}))


def agent_undrain(name: str) -> Request:
    """Let an agent take work again."""
    return Request("POST", f"/api/agent/{quote(name)}/undrain")


def agent_delete(name: str, *, force: bool = False) -> Request:
    """Remove an agent from the inventory."""
    return Request("DELETE", with_query(f"/api/agent/{quote(name)}", {"force": force or None}))


def health_status() -> Request:
    """Ask how everything fares: 200 or 503, which is the answer and not worth another try."""
    return Request("GET", "/api/health/status", safe=False)


def agents_pending() -> Request:
    """Read who waits to be accepted."""
    return Request("GET", "/api/agent/pending")


def agents_barred() -> Request:
    """Read which keys are accepted no more."""
    return Request("GET", "/api/agent/barred")


def agent_accept(name: str, key: str = "") -> Request:
    """Accept a host that waits."""
    return Request("POST", with_query(f"/api/agent/{quote(name)}/accept", {"fingerprint": key or None}))


def agent_reject(name: str) -> Request:
    """Reject a host that waits."""
    return Request("POST", f"/api/agent/{quote(name)}/reject")


def agent_revoke(name: str) -> Request:
    """Cut an agent off."""
    return Request("POST", f"/api/agent/{quote(name)}/revoke")


def agent_allow(fingerprint: str) -> Request:
    """Let a barred key join again."""
    return Request("POST", "/api/agent/allow", body=json_body({"fingerprint": fingerprint}))


def join_token_make(wanted: Mapping[str, Any]) -> Request:
    """Make a join token. `wanted` as in `JoinTokenRequest`."""
    return Request("POST", "/api/agent/join-token", body=json_body(wanted))


def join_tokens() -> Request:
    """Read the join tokens."""
    return Request("GET", "/api/agent/join-token")


def join_token_drop(token_id: str) -> Request:
    """Revoke a join token."""
    return Request("DELETE", f"/api/agent/join-token/{quote(token_id)}")


def agent_quarantine(limit: int | None = None) -> Request:
    """Read what was not believed; `limit` None leaves the number to the controller."""
    return Request("GET", with_query("/api/agent/quarantine", {"limit": limit}))


def file_list() -> Request:
    """Read what is known of all files."""
    return Request("GET", "/api/file")


def file_get(name: str) -> Request:
    """Read what is known of one file."""
    return Request("GET", _file(name))


def file_content(name: str) -> Request:
    """Download a file."""
    return Request("GET", f"{_file(name)}/content", headers={"accept": "application/octet-stream"})


def file_upload(form: UploadForm, *, force: bool) -> Request:
    """Upload a file. Sent twice it is the same as once."""
    return Request("POST", with_query("/api/file", {"force": True} if force else {}), form=form, safe=True)


def file_delete(name: str) -> Request:
    """Delete a file from the store."""
    return Request("DELETE", _file(name))


def file_stale() -> Request:
    """Read which deployed files are not what would be deployed now."""
    return Request("GET", "/api/file/stale")


def token_revoked() -> Request:
    """Read which tokens are refused."""
    return Request("GET", "/api/token/revoked")


def token_revoke(**wanted: Any) -> Request:
    """Refuse tokens; `wanted` as in `RevokeRequest`, None is left out. Sent twice it is the same as once."""
    given = {name: value for name, value in wanted.items() if value is not None}
    body = {name: value if isinstance(value, str) else value.isoformat() for name, value in given.items()}
    return Request("POST", "/api/token/revoke", body=json_body(body), safe=True)


def health() -> Request:
    """Ask for nothing but an answer."""
    return Request("GET", "/api/health")


def health_ready() -> Request:
    """Ask whether the controller can take work: 200 or 503, which is the answer and not worth another try."""
    return Request("GET", "/api/health/ready", safe=False)


def prometheus_targets() -> Request:
    """Read where programs show their metrics."""
    return Request("GET", "/api/discovery/prometheus")


def _file(name: str) -> str:
    return f"/api/file/{quote(name)}"


def _job(job_id: str) -> str:
    return f"/api/job/{quote(job_id)}"
