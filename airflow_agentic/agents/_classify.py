"""Errors and evidence of a dossier → one `Verdict` of what kind of failure it is, from tables and nothing else.

The tables are read in order and the first row that matches wins. HTTP codes come first because they are the most
exact thing that an upstream says; words count only in the head of a message, before any body that a server sent.
A stranger's text can therefore pick among these rows and do nothing more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_agentic.agents._classify_kubernetes import classify_pod
from airflow_agentic.agents._verdict import Verdict
from airflow_agentic.records import Action, Category, Dossier, Evidence, TaskError, Transience
from airflow_agentic.shape_changes import name_tokens
from airflow_agentic.tracebacks import own_frames

HEAD = 400
_HTTP = re.compile(
    r"\b(?:HTTP(?:S|/\d(?:\.\d)?)?(?:[ _]?(?:Error|Status|Code|response))*|status(?:[ _]?code)?|response(?: code)?|error code)"
    r"\s*(?:was|is|of|returned)?\s*[:=]?\s*[\[(<'\"]?(?P<code>[1-5]\d\d)\b|\b(?P<code2>[45]\d\d) (?:Client|Server) Error\b"
    r"|\b(?P<code3>[45]\d\d)[ :,]+(?:Service (?:Temporarily )?Unavailable|Bad Gateway|Gateway Time-?out|Too Many Requests|"
    r"Internal Server Error|Unauthorized|Forbidden|Not Found|Gone|Bad Request)"
    r"|\b(?:answered|returned|responded|replied)(?: with)?:? (?P<code4>[45]\d\d)(?=\s*(?:[:,;.)\]\"']|$))",
    re.IGNORECASE,
)
_RETRIABLE = {408, 425, 429, 500, 502, 503, 504, 509, 520, 521, 522, 523, 524, 529, 598, 599}
_CREDENTIAL = {401, 403, 407, 511}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table: exception classes (last part of the name) and words that stand for a class of failure."""

    category: Category
    action: Action
    transience: Transience
    why: str
    classes: str = ""
    words: str = ""
    confidence: float = 0.85

    def match(self, error_class: str, message: str) -> str:
        """Return what matched, or nothing."""
        name = error_class.rsplit(".", 1)[-1]
        if self.classes and re.fullmatch(self.classes, name):
            return f"{name}: {message}"[:160]
        found = re.search(self.words, message, re.IGNORECASE) if self.words else None
        return f"{name}: {message[max(0, found.start() - 40) : found.end() + 80]}"[:160] if found else ""


_RESOURCE = Row(
    category=Category.RESOURCE,
    action=Action.NOTIFY,
    transience=Transience.UNKNOWN,
    why="the worker ran out of a resource (memory, disk, handles, quota) or the process was killed",
    classes="MemoryError|OutOfMemoryError|_ArrayMemoryError|OutOfMemoryException|ExecutorLostFailure",
    words=r"no space left on device|\bENOSPC\b|too many open files|\bEMFILE\b|cannot allocate memory|\bOOM(?:Killed|-?kill)|out of memory|"
    r"disk quota exceeded|read-only file system|\bSIGKILL\b|(?:exit|return) ?code:? (?:137\b|-9\b)|exited with (?:return )?code (?:137|-9)|signal 9\b|exceed(?:ed|ing) (?:physical |virtual )?memory limit|Java heap space|"
    r"ExecutorLostFailure|Container killed (?:by|on request)|quota ?exceeded|exceeded (?:your |the )?(?:\w+ )?quota",
)
_NETWORK = Row(
    category=Category.TRANSIENT_UPSTREAM,
    action=Action.RETRY,
    transience=Transience.TRANSIENT,
    why="a service that the task calls was not reachable or busy for a while",
    classes="ConnectionResetError|ConnectionRefusedError|ConnectionAbortedError|BrokenPipeError|RemoteDisconnected|IncompleteRead|ReadTimeout|"
    r"ConnectTimeout|ConnectionTimeout|ReadTimeoutError|ConnectTimeoutError|TimeoutError|timeout|PoolTimeout|WriteTimeout|ServerDisconnectedError|ChunkedEncodingError|"
    r"ServiceUnavailable|TooManyRequests|DeadlockDetected|LockNotAvailable|AdminShutdown|CannotConnectNow|CrashShutdown|SerializationFailure|NewConnectionError|MaxRetryError|"
    r"EndpointConnectionError|ThrottlingException|SlowDown|ProtocolError|RemoteProtocolError|ConnectError|ConnectionError|APIConnectionError|InternalServerError|"
    r"BusyLoadingError|ConcurrentAppendException|ConcurrentModificationException|ConcurrentWriteException|CommitFailedException|ServerBusyError|NoBrokersAvailable|OperationTimedOut|DeadlineExceeded|GatewayTimeout|BadGateway",
    words=r"connection (?:was )?(?:reset|refused|aborted|closed unexpectedly|timed out)|timed out|time-?out (?:expired|exceeded|error)|read timeout|"
    r"temporary failure in name resolution|temporarily unavailable|try again later|name or service not known|deadlock (?:detected|found)|"
    r"lock (?:wait )?time-?out|could not obtain lock|database is locked|could not set lock on file|conflicting lock is held|"
    r"could not serialize access|too many connections|connection slots are reserved|rate limit|rate exceeded|throttl|too many requests|service unavailable|"
    r"server closed the connection unexpectedly|EOF occurred in violation of protocol|remote end closed connection|slow ?down|"
    r"max retries exceeded|network is unreachable|no route to host|database system is (?:starting up|shutting down|in recovery)|"
    r"terminating connection due to|connection (?:has been|is) closed|server has gone away|lost connection to|under maintenance|"
    r"in maintenance mode|warehouse .{0,60}(?:suspended|is resuming)|leader not available|not the leader|(?:broker|coordinator) .{0,40}not available|"
    r"limit of size \d+ overflow|loading the dataset in memory|concurrent (?:update|append|modification|write|delete)|(?:try|retry) the (?:operation|request|transaction)(?: again)?|"
    r"resource temporarily|server (?:is )?(?:too )?busy|ServerBusy|StatusCode\.UNAVAILABLE|DEADLINE_EXCEEDED|upstream connect error|bad gateway|gateway time-?out|"
    r"ORA-00060|ORA-125(?:14|41)|no brokers available|stale file handle|connection (?:lost|terminated|broken)",
)
_ROWS = (
    Row(
        category=Category.CONFIGURATION,
        action=Action.NOTIFY,
        transience=Transience.PERMANENT,
        why="an Airflow Connection, Variable or environment setting that the task needs is not there",
        classes="AirflowNotFoundException",
        words=r"conn(?:ection)?[ _]id [`'\"].+?[`'\"] isn'?t defined|CONNECTION_NOT_FOUND|VARIABLE_NOT_FOUND|"
        r"KeyError: ['\"]?Variable |Variable .+ does not exist|Environment variable .{1,80} (?:is )?(?:not set|missing|required)|"
        r"missing (?:required )?(?:environment variable|env var|setting)|Env var required but not provided|Could not find profile named",
        confidence=0.95,
    ),
    _RESOURCE,
    Row(
        category=Category.CREDENTIAL,
        action=Action.NOTIFY,
        transience=Transience.PERMANENT,
        why="the credential of the task is refused, has expired or lacks a permission",
        classes="PermissionDenied|AccessDenied|AccessDeniedException|Unauthorized|Forbidden|InvalidPassword|AuthenticationError|NoCredentialsError|"
        r"ExpiredToken|ExpiredTokenException|TokenRefreshError|RefreshError|InvalidClientTokenId|InsufficientPrivilege|InvalidAuthorizationSpecification|PermissionDeniedError",
        words=r"authentication failed|password authentication|permission denied|access (?:is )?denied|access_denied|not authori[sz]ed|unauthori[sz]ed|"
        r"\bforbidden\b|(?:token|certificate|credentials?|api[ _-]?key|session|secret) (?:has |is |have |was )?(?:expired|revoked|invalid|not valid)|"
        r"(?:expired|invalid|revoked|bad) (?:token|credentials?|api[ _-]?key|signature|client secret)|login failed|insufficient privileges|"
        r"unable to locate credentials|invalid_grant|certificate verify failed|Incorrect username or password",
    ),
    _NETWORK,
    Row(
        category=Category.CODE_ERROR,
        action=Action.NOTIFY,
        transience=Transience.PERMANENT,
        why="a file of the pipeline is no valid Python",
        classes="SyntaxError|IndentationError|TabError",
        confidence=0.95,
    ),
    Row(
        category=Category.DEPENDENCY,
        action=Action.NOTIFY,
        transience=Transience.PERMANENT,
        why="a module that the code imports is not there",
        classes="ModuleNotFoundError|ImportError|DistributionNotFound|PackageNotFoundError|VersionConflict",
        words=r"No module named|cannot import name|command not found|No such file or directory: '(?:/usr)?/?bin/|undefined symbol|shared object file",
        confidence=0.9,
    ),
    Row(
        category=Category.CODE_ERROR,
        action=Action.NOTIFY,
        transience=Transience.PERMANENT,
        why="a template names a variable that it is not given",
        classes="UndefinedError|TemplateSyntaxError|TemplateNotFound|TemplateAssertionError",
    ),
)


def classify_platform(dossier: Dossier) -> Verdict | None:
    """Return the verdict for what lies outside of data and code: upstream, credential, resources, configuration, modules."""
    for error in dossier.errors[:1]:
        if _reads_environment(error):
            return _verdict(_ROWS[0], f"{error.error_class}: {error.message}")
        told = chain_of(error)
        found = classify_pod(*told[0]) or next(filter(None, (_http(*one) for one in told)), None)
        if found is not None:
            return _not_published(dossier, told) or found if found.matched == "HTTP 404" else found
        for row in _ROWS:
            for error_class, message in told:
                if row is _NETWORK and "Airflow" in error_class and "Timeout" in error_class:
                    continue
                matched = row.match(error_class, _head(message))
                if matched:
                    return _verdict(row, matched)
    if not dossier.errors or dossier.errors[0].error_class == "unknown":
        return _killed(dossier.evidence)
    return None


def _not_published(dossier: Dossier, told: tuple[tuple[str, str], ...]) -> Verdict | None:
    """An address that names the failing interval and is not found, where nothing of that interval has landed."""
    day = day_in(dossier)
    logs = [item.body for item in dossier.evidence if item.source == "task_log"]
    texts = [message for _, message in told] + logs
    found = next((m for t in texts if (m := re.search(rf"(?P<path>[\w./:-]*)(?:{day.pattern})\b", t))), None)
    if found is None or "/" not in found["path"]:
        return None
    words = set(name_tokens(found["path"].rsplit("://", 1)[-1].partition("/")[2]))
    landed = [s for s in dossier.shapes if s.role == "failing" and s.records and words & set(name_tokens(s.name))]
    if landed:
        return None
    return Verdict(
        category=Category.LATE_DATA,
        action=Action.QUARANTINE,
        transience=Transience.TRANSIENT,
        matched=f"HTTP 404, {found[0][-80:]}",
        why="the upstream has not published the data of this interval",
        confidence=0.7,
    )


def day_in(dossier: Dossier) -> re.Pattern[str]:
    """Return what finds the interval's day in a text; nothing where the run has none."""
    day = (dossier.incident.logical_date or "")[:10]
    return re.compile("|".join(re.escape(day.replace("-", mark)) for mark in ("-", "/", "_", "")) if day else r"(?!)")


def is_raised(error: TaskError) -> bool:
    """Say whether the pipeline's own code refused: its innermost line is a ``raise``, or there is no line to see."""
    own = own_frames(error.frames)
    return not own or own[-1].code.lstrip().startswith(("raise", "assert"))


def is_passing(text: str) -> bool:
    """Say whether words of a service say that it is away or busy for a while."""
    return bool(_NETWORK.match("", text[:HEAD].replace("_", " ")))


def chain_of(error: TaskError) -> tuple[tuple[str, str], ...]:
    """Return class and message of the error and of the rest of its chain, first cause first."""
    pairs = [(error.error_class, error.message)]
    for text in error.chain:
        name, _, message = text.partition(": ")
        if (name, message) not in pairs:
            pairs.append((name, message))
    return tuple(pairs)


def _http(error_class: str, message: str) -> Verdict | None:
    match = _HTTP.search(f"{error_class.rsplit('.', 1)[-1]}: {message}"[:HEAD])
    if match is None:
        return None
    code = int(next(filter(None, match.groups())))
    said = f"HTTP {code}"
    if code in _RETRIABLE:
        return Verdict(
            category=Category.TRANSIENT_UPSTREAM,
            action=Action.RETRY,
            transience=Transience.TRANSIENT,
            matched=said,
            why=f"the upstream answered {said}, which passes by itself",
            confidence=0.95,
        )
    if code in _CREDENTIAL:
        return Verdict(
            category=Category.CREDENTIAL,
            action=Action.NOTIFY,
            transience=Transience.PERMANENT,
            matched=said,
            why=f"the upstream answered {said}: the credential is refused or lacks a permission",
            confidence=0.95,
        )
    if code >= 400:
        return Verdict(
            category=Category.CONFIGURATION,
            action=Action.NOTIFY,
            transience=Transience.PERMANENT,
            matched=said,
            confidence=0.7,
            why=f"the upstream answered {said}: it no longer takes this address or these parameters; a retry will not help",
        )
    return None


def _head(message: str) -> str:
    """Cut the body of an answer off: words in it are a stranger's."""
    return re.split(r"<(?:html|!doctype|body|\?xml)|\{\"", message[:HEAD], maxsplit=1, flags=re.IGNORECASE)[0]


def _reads_environment(error: TaskError) -> bool:
    if error.error_class != "KeyError":
        return False
    last = error.frames[-1:]
    return any(
        f.path.endswith("/os.py") or f.path == "<frozen os>" or "environ[" in f.code
        for f in (*last, *error.frames[-2:])
    )


def _killed(evidence: tuple[Evidence, ...]) -> Verdict | None:
    """Without an exception only the platform's last lines can tell."""
    for item in evidence:
        if item.source in {"code", "landed", "lineage"}:
            continue
        matched = _RESOURCE.match("", f"{item.title}\n{item.body}")
        if matched:
            return _verdict(_RESOURCE, matched, confidence=0.75)
        if re.search(
            r"heartbeat timeout|zombie|worker (?:was )?(?:lost|evicted|terminated)|pod .{0,80}(?:evicted|deleted|not found)|\bSIGTERM\b",
            f"{item.title}\n{item.body}",
            re.IGNORECASE,
        ):
            return Verdict(
                category=Category.INFRASTRUCTURE,
                action=Action.NOTIFY,
                transience=Transience.UNKNOWN,
                matched=item.title[:160],
                why="the worker lost the task before it could end",
                confidence=0.7,
            )
    return None


def _verdict(row: Row, matched: str, confidence: float | None = None) -> Verdict:
    return Verdict(
        category=row.category,
        action=row.action,
        transience=row.transience,
        why=row.why,
        matched=matched[:160].strip(),
        confidence=row.confidence if confidence is None else confidence,
    )
