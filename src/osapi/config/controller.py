"""Settings of the controller: the REST API, its broker connection, keys, notifications and web page."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta, field

from osapi.config.fields import (
    SENSITIVE,
    ClientAuth,
    ClientTls,
    Metrics,
    Namespaced,
    Port,
    ProcessConditions,
    Section,
    ServerTls,
)


class ClientSecurity(Section, frozen=True, kw_only=True):
    """What `osapi client` shows to the controller."""

    bearer_token: Annotated[
        str,
        Meta(
            description="Token that `osapi client` sends. Empty: the one in the client context.",
            extra={SENSITIVE: True},
        ),
    ] = ""


class ClientTrust(Section, frozen=True, kw_only=True):
    """Which controller `osapi client` trusts over https."""

    ca: Annotated[
        str,
        Meta(
            description="PEM file of the authorities to trust, as `--ca-file`. Empty: those of the client context, "
            "else of the system."
        ),
    ] = ""
    pin: Annotated[
        str,
        Meta(
            description="SHA-256 fingerprint of the only certificate, or the only public key, to accept, as `--pin`. "
            "Without `ca` it takes the place of authorities."
        ),
    ] = ""


class Client(Section, frozen=True, kw_only=True):
    """Where `osapi client` finds the controller."""

    url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://\S+)?$",
            description="Address of the REST API, without a path. Empty: the one in the client context, "
            "else http://127.0.0.1:8080.",
        ),
    ] = ""
    security: ClientSecurity = ClientSecurity()
    tls: ClientTrust = ClientTrust()


class Cors(Section, frozen=True, kw_only=True):
    """Which web pages of other origins may call the API."""

    allow_origins: Annotated[
        list[str], Meta(description="Origins such as https://ops.example.org. Empty: none, the layer is off.")
    ] = field(default_factory=list[str])


class Role(Section, frozen=True, kw_only=True):
    """A role of one's own, or a built-in one replaced."""

    permissions: Annotated[list[str], Meta(description="Permissions that the role carries, such as `sysctl:read`.")]
    labels: Annotated[
        dict[str, str],
        Meta(
            description="Limits the role to hosts with all these labels (values match below their dots too). Empty: all hosts."
        ),
    ] = field(default_factory=dict[str, str])


class ClaimRule(Section, frozen=True, kw_only=True):
    """What a value of a claim is worth here."""

    value: Annotated[str, Meta(min_length=1, description="The value, such as a group; `*` for any bearer.")]
    roles: Annotated[list[str], Meta(min_length=1, description="Roles that its bearer has.")]
    labels: Annotated[
        dict[str, str],
        Meta(
            description="Limits these roles to hosts with all these labels (values match below their dots too). Empty: all hosts."
        ),
    ] = field(default_factory=dict[str, str])


class Oidc(Section, frozen=True, kw_only=True):
    """Another issuer whose bearer tokens count (OpenID Connect). Needs the extra `oidc`."""

    issuer: Annotated[
        str,
        Meta(
            description="The issuer, exactly as it names itself; https, or http on loopback. Its keys are found through "
            "`/.well-known/openid-configuration` below it. Empty: none."
        ),
    ] = ""
    audience: Annotated[str, Meta(description="What tokens for this controller name as their audience (`aud`).")] = (
        "osapi"
    )
    claim: Annotated[
        str,
        Meta(
            min_length=1,
            description="The claim that tells what its bearer may do: text or a list of texts; dots lead into "
            "objects, as in `realm_access.roles`.",
        ),
    ] = "roles"
    rules: Annotated[
        list[ClaimRule],
        Meta(description="What the values of the claim are worth. A value that no rule names is worth nothing."),
    ] = field(default_factory=list[ClaimRule])
    algorithms: Annotated[
        list[Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]],
        Meta(min_length=1, description="Algorithms that its signatures may have; asymmetric ones only."),
    ] = field(default_factory=lambda: ["RS256", "ES256"])
    refresh: Annotated[timedelta, Meta(description="How often its keys are fetched.")] = timedelta(minutes=15)
    keep_keys: Annotated[
        timedelta,
        Meta(description="How long its keys count after they were fetched last, when the issuer is away."),
    ] = timedelta(hours=24)
    clock_skew: Annotated[
        timedelta, Meta(description="How far its clock and ours may be apart; at most 5 minutes.")
    ] = timedelta(seconds=30)
    ca_file: Annotated[
        str, Meta(description="PEM file of the authorities to trust for https. Empty: those of the system.")
    ] = ""


class ApiSecurity(Section, frozen=True, kw_only=True):
    """Who may call the API."""

    cors: Cors = Cors()
    signing_key: Annotated[
        str,
        Meta(
            description="Key that signs tokens, 32 bytes or more. Empty: the key ring that the first start made.",
            extra={SENSITIVE: True},
        ),
    ] = ""
    roles: Annotated[
        dict[str, Role],
        Meta(description="Role name to permissions. A built-in name (admin, write, read) is replaced."),
    ] = field(default_factory=dict[str, Role])
    oidc: Oidc = Oidc()


class Limits(Section, frozen=True, kw_only=True):
    """How often one caller may come. Each has so many requests at once and then so many a second; 0 a second: no limit."""

    token_per_second: Annotated[
        float, Meta(ge=0, description="Requests a second of all tokens of one subject; 0 without limit.")
    ] = 500
    token_burst: Annotated[int, Meta(ge=1, description="Requests of one subject at once.")] = 1000
    anonymous_per_second: Annotated[
        float,
        Meta(ge=0, description="Requests a second of one address to what needs no token; 0 without limit."),
    ] = 100
    anonymous_burst: Annotated[
        int, Meta(ge=1, description="Requests of one address at once to what needs no token.")
    ] = 200
    guesses_per_second: Annotated[
        float,
        Meta(
            ge=0,
            description="Requests a second of one address with a missing or bad token, before only tokens that were seen "
            "before are looked at; 0 without limit.",
        ),
    ] = 1
    guesses_burst: Annotated[int, Meta(ge=1, description="Such requests of one address at once.")] = 50


class ApiTls(ServerTls, frozen=True, kw_only=True):
    """TLS of the REST API: 1.2 or 1.3."""

    redirect_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="TCP port on which plain HTTP is sent on to the TLS port, with status 308; 0: none. On the TLS "
            "port itself plain HTTP is refused.",
        ),
    ] = 0


class Api(Section, frozen=True, kw_only=True):
    """The REST API."""

    host: Annotated[
        str,
        Meta(min_length=1, description="Address to listen on. Anything but loopback needs TLS or `--insecure`."),
    ] = "127.0.0.1"
    port: Annotated[Port, Meta(description="TCP port to listen on.")] = 8080
    job_timeout: Annotated[
        timedelta,
        Meta(
            description="How long a request waits for its hosts when the caller does not say; never less than the work may take."
        ),
    ] = timedelta(seconds=30)
    job_expiry: Annotated[
        timedelta, Meta(description="How long after submission a host may still begin a job. More than 0.")
    ] = timedelta(seconds=60)
    body_limit_bytes: Annotated[
        int, Meta(ge=1024, description="Largest request body in bytes; uploads of files are not counted.")
    ] = 1024 * 1024
    upload_limit_bytes: Annotated[
        int, Meta(ge=0, description="Largest upload of a file in bytes; 0 without limit.")
    ] = 1024 * 1024 * 1024
    trusted_proxies: Annotated[
        list[str],
        Meta(
            description="Networks, such as 10.0.0.0/8, of the proxies in front of the API. Only of them the header is "
            "believed that tells the client's address. Empty: of nobody."
        ),
    ] = field(default_factory=list[str])
    forwarded_header: Annotated[
        Literal["x-forwarded-for", "forwarded"],
        Meta(
            description="The header in which these proxies tell the client's address; the other one is not looked at."
        ),
    ] = "x-forwarded-for"
    tls: ApiTls = ApiTls()
    limits: Limits = Limits()
    security: ApiSecurity = ApiSecurity()


class Nats(Namespaced, frozen=True, kw_only=True):
    """The controller's way to the broker."""

    host: Annotated[
        str,
        Meta(
            description="Broker host; several servers of a cluster separated by commas, each with its own port "
            "if it differs (`a,b:4223`)."
        ),
    ] = "localhost"
    port: Annotated[Port, Meta(description="TCP port of the broker.")] = 4222
    client_name: Annotated[str, Meta(description="Name under which the broker lists this connection.")] = (
        "osapi-controller"
    )
    auth: ClientAuth = ClientAuth()
    tls: ClientTls = ClientTls()


class ControllerMetrics(Metrics, frozen=True, kw_only=True):
    """Metrics of the controller."""

    port: Annotated[Port, Meta(description="TCP port to serve them on.")] = 9090


class Notifier(Section, frozen=True, kw_only=True):
    """A way to tell people, through apprise."""

    url: Annotated[
        str,
        Meta(
            min_length=1,
            description="Address as apprise reads it, such as mailtos://user:password@mail.example.org?to=ops@example.org.",
            extra={SENSITIVE: True},
        ),
    ]


_SCHEMES = (
    "discord gotify gotifys json jsons mailto mailtos matrix matrixs mmost mmosts msteams ntfy ntfys opsgenie pagerduty "
    "rocket rockets slack tgram workflows"
)


class Notifications(Section, frozen=True, kw_only=True):
    """Telling people what is wrong with hosts, programs, jobs and the audit."""

    enabled: Annotated[bool, Meta(description="Whether to watch and tell.")] = False
    notifier: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]+( *, *[A-Za-z0-9_-]+)*$",
            description="How to tell: `log`, which writes to the controller's log, or names below `notifiers`, separated by commas.",
        ),
    ] = "log"
    notifiers: Annotated[
        dict[str, Notifier],
        Meta(description="Ways to tell by name, each with its `url`. They need the extra `osapi[notify]`."),
    ] = field(default_factory=dict[str, Notifier])
    schemes: Annotated[
        list[str],
        Meta(description="Schemes of URLs that are allowed; keep out what would run programs on this machine."),
    ] = field(default_factory=_SCHEMES.split)
    conditions: Annotated[
        list[str],
        Meta(
            description="What is told: conditions such as HighLoad, and ComponentUnreachable, JobFailed, AuditBroken and AgentPending. Empty: all."
        ),
    ] = field(default_factory=list[str])
    renotify_interval: Annotated[
        timedelta, Meta(description="Pause before a condition that lasts is told again; 0 tells it once.")
    ] = timedelta(0)
    group_window: Annotated[
        timedelta,
        Meta(description="How long changes are gathered into one message; what came and went within it is not told."),
    ] = timedelta(seconds=5)
    hosts_shown: Annotated[
        int, Meta(ge=1, le=100, description="Hosts that a message names for each condition; the others are counted.")
    ] = 20
    rate_limit: Annotated[
        int,
        Meta(
            ge=0,
            description="Messages to one notifier within `rate_interval`; how many more there were is told later. 0 without limit.",
        ),
    ] = 20
    rate_interval: Annotated[timedelta, Meta(description="The time that `rate_limit` counts. More than 0.")] = (
        timedelta(minutes=10)
    )
    attempts: Annotated[
        int,
        Meta(
            ge=1,
            le=50,
            description="How often a message is tried before it is given up; the pauses double from 5 s to 10 min.",
        ),
    ] = 8
    title: Annotated[
        str,
        Meta(
            max_length=10_000,
            description="Template of a message's title, in Jinja2. Empty: the one that the how-to shows.",
        ),
    ] = ""
    body: Annotated[
        str,
        Meta(
            max_length=100_000,
            description="Template of a message's text, in Jinja2. Empty: the one that the how-to shows.",
        ),
    ] = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The notifiers that are used, each once."""
        return tuple(dict.fromkeys(name.strip() for name in self.notifier.split(",")))


class Ui(Section, frozen=True, kw_only=True):
    """The web page."""

    enabled: Annotated[bool, Meta(description="Whether to serve the web page beside the API.")] = True


class Pki(Section, frozen=True, kw_only=True):
    """The controller's keys and the enrolment of agents."""

    enabled: Annotated[
        bool,
        Meta(description="Read for compatibility; agents may ask to be enrolled, and jobs are signed, in any case."),
    ] = False
    key_dir: Annotated[
        str, Meta(description="Folder of `controller.key` and `controller.pub`. Empty: `pki` in the data folder.")
    ] = ""
    auto_accept: Annotated[
        bool, Meta(description="Accept every new host that has a join token; for development only.")
    ] = False
    max_pending: Annotated[int, Meta(ge=1, description="Hosts that may wait to be accepted at once.")] = 1000
    rotation_grace_period: Annotated[
        timedelta, Meta(description="How long the former key stays valid after a rotation.")
    ] = timedelta(hours=24)


class Controller(Section, frozen=True, kw_only=True):
    """Settings of the controller and of those who call it."""

    client: Client = Client()
    api: Api = Api()
    nats: Nats = Nats()
    metrics: ControllerMetrics = ControllerMetrics()
    process_conditions: ProcessConditions = ProcessConditions()
    notifications: Notifications = Notifications()
    ui: Ui = Ui()
    pki: Pki = Pki()
