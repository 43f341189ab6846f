"""The form of ``agentic_policy.yaml``: a closed set of keys, each with its values.

The JSON schema that ships in the wheel (``policy/schema.json``) is generated from these models; a test holds them
equal. A key that is left out says nothing: the connection's value holds. Nothing here can widen the connection.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from airflow_agentic.records import Category, Signal
from airflow_agentic.scope import ACCEPTABLE_RISKS, TrustLevel, checked_globs

_STRICT = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True)
TRIGGERS = ("*", *sorted({signal.value for signal in Signal} | {category.value for category in Category}))


class ActionClass(str, Enum):
    """What a response does that a person may want to be asked about."""

    SCHEMA_CHANGE = "schema_change"
    """The change holds DDL, or a migration script."""
    NEW_DEPENDENCY = "new_dependency"
    """The change decides what is installed or built."""
    BACKFILL = "backfill"
    """Runs of past intervals. We only ever print the command, so it is never acted on."""
    CLEAR = "clear"
    """Failed tasks of a transient failure run again, in production."""
    STAGING_WRITE = "staging_write"
    """The workspace is handed connections to staging systems."""
    PROTECTED_PATH = "protected_path"
    """The change touches a path that the policy protects."""


class Chain(BaseModel):
    """A trigger and a response between which a person stands."""

    model_config = _STRICT

    trigger: str = Field(default="*", json_schema_extra={"enum": list(TRIGGERS)})
    """A signal or a category of cause; ``*``: whatever it was."""
    response: ActionClass

    @field_validator("trigger")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in TRIGGERS:
            raise ValueError(f"{value!r} is no trigger; allowed: {', '.join(TRIGGERS)}")
        return value


class Window(BaseModel):
    """A time in which incidents are recorded and nothing more; they are picked up after it."""

    model_config = _STRICT

    why: str = Field(min_length=1, max_length=200)
    zone: str
    """IANA name, such as ``Europe/Berlin``."""
    start: datetime | None = None
    """Without an offset: the clock of *zone* is meant."""
    end: datetime | None = None
    cron: str = ""
    """When it begins, five fields in *zone*; with *minutes*, instead of *start* and *end*."""
    minutes: int = Field(default=0, ge=0, le=7 * 24 * 60)

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is no time zone; allowed: IANA names such as 'Europe/Berlin'") from error
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> Window:
        from croniter import croniter  # type: ignore[import-untyped]

        given = (self.start is not None, self.end is not None, bool(self.cron), self.minutes > 0)
        if given not in ((True, True, False, False), (False, False, True, True)):
            raise ValueError("give either start and end, or cron and minutes")
        if any(moment and moment.tzinfo for moment in (self.start, self.end)):
            raise ValueError("start and end are read on the clock of zone; leave the offset out")
        if self.start and self.end and self.end <= self.start:
            raise ValueError("end is not after start")
        if self.cron and (len(self.cron.split()) != 5 or not croniter.is_valid(self.cron)):
            raise ValueError(f"cron {self.cron!r} is no expression of five fields such as '0 22 * * 6'")
        return self

    def open_until(self, now: datetime) -> datetime | None:
        """Return when the window that is open at *now* ends; None while it is closed.

        :param now: with an offset.
        """
        from croniter import croniter

        zone = ZoneInfo(self.zone)
        if self.start and self.end:
            start, end = self.start.replace(tzinfo=zone), self.end.replace(tzinfo=zone)
        else:
            # get_prev leaves out the very moment, and a window is open from its first second on.
            after = now.astimezone(zone) + timedelta(seconds=1)
            start = croniter(self.cron, after).get_prev(datetime)
            end = start + timedelta(minutes=self.minutes)
        return end if start <= now < end else None


class Terms(BaseModel):
    """What may be done; every key may be left out."""

    model_config = _STRICT

    trust_level: TrustLevel | None = None
    """The ceiling; ``propose_ready`` is reached only by ``airflow agentic trust promote``."""
    start_level: TrustLevel | None = None
    """Where a Dag begins; it rises to *trust_level* by results and a person's word. Unset: at *trust_level*."""
    trust_group: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]{1,100}$")
    """Dags with the same group rise and fall together; unset: each Dag for itself."""
    allowed_paths: tuple[str, ...] | None = None
    protected_paths: tuple[str, ...] | None = None
    """Beside the connection's. With a chain for ``protected_path`` a person may let a change through, else nobody."""
    max_files: int | None = Field(default=None, ge=1, le=100)
    max_lines: int | None = Field(default=None, ge=1, le=5000)
    needs_person: tuple[Chain, ...] | None = None
    """Unset: every action class, whatever the trigger."""
    approvers: tuple[str, ...] | None = None
    """Ids of Airflow users who may answer; unset: whoever Airflow lets edit the triage Dag."""
    reviewers: tuple[str, ...] | None = None
    """Asked to review beside the connection's, as the forge names them."""
    usd_per_incident: float | None = Field(default=None, ge=0, le=1000)
    usd_per_dag_day: float | None = Field(default=None, ge=0, le=100000)
    usd_per_team_day: float | None = Field(default=None, ge=0, le=100000)
    """For all Dags together that this rule is for, or that share its *trust_group*."""
    usd_per_day: float | None = Field(default=None, ge=0, le=100000)
    maintenance: tuple[Window, ...] | None = None
    kill_switch: bool | None = None
    """True: nothing but recording."""
    sample_columns: tuple[str, ...] | None = None
    """``table.column`` globs whose values the agent may see; unset or empty: shapes and counts only."""
    occurrences: int | None = Field(default=None, ge=1, le=1000)
    """How often a cause must have been seen before the model is asked about it; until then `rules` answers."""
    may_clear: bool | None = None
    accept: tuple[str, ...] | None = None
    """Which of the risks that the connection accepts are accepted here too; unset: all of them."""

    @field_validator("allowed_paths", "protected_paths")
    @classmethod
    def _globs(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return value if value is None else checked_globs(value)

    @field_validator("approvers", "reviewers", "sample_columns")
    @classmethod
    def _names(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and any(not name or len(name) > 200 for name in value):
            raise ValueError("a name is empty or longer than 200 characters")
        return value

    @field_validator("accept")
    @classmethod
    def _risks(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        unknown = sorted(set(value or ()) - set(ACCEPTABLE_RISKS))
        if unknown:
            raise ValueError(f"{unknown} unknown; allowed: {', '.join(ACCEPTABLE_RISKS)}")
        return value


class Match(BaseModel):
    """Which Dags a rule is for: each kind that is given must match; one glob of a kind is enough."""

    model_config = _STRICT

    dags: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Match:
        if not (self.dags or self.tags or self.owners):
            raise ValueError(
                "a rule that matches nothing in particular belongs into defaults: give dags, tags or owners"
            )
        return self


class Rule(Terms):
    """Terms for some Dags."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$")
    match: Match
    why: str = Field(default="", max_length=500)


class Limits(BaseModel):
    """What holds for all Dags together, because one service answers all of them."""

    model_config = _STRICT

    circuit_failures: int = Field(default=3, ge=1, le=20)
    """How often a model or forge must fail in a row, counted over all processes, before it is left alone."""
    circuit_open_s: int = Field(default=600, ge=10, le=86_400)
    """Seconds for which it is left alone; then one process tries."""


class PolicyFile(BaseModel):
    """``agentic_policy.yaml`` as a whole."""

    model_config = ConfigDict(**_STRICT, title="agentic_policy.yaml")

    version: int = Field(ge=1, le=1)
    written_by: tuple[str, ...] = ()
    """Ids of Airflow users who may not approve what this policy lets through: four eyes."""
    kill_switch: bool = False
    """True: nothing but recording, for every Dag."""
    limits: Limits = Field(default_factory=Limits)
    """For all Dags together; a rule cannot change them."""
    defaults: Terms = Field(default_factory=Terms)
    """For every Dag, and for each key that its rule leaves out."""
    rules: tuple[Rule, ...] = ()
    """The first rule that matches a Dag is the one that holds for it."""

    @model_validator(mode="after")
    def _names_once(self) -> PolicyFile:
        names = [rule.name for rule in self.rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"rule names must differ; given more than once: {', '.join(twice)}")
        return self
