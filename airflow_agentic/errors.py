"""Everything that we raise. The class says who must act.

AgenticError
├── SettingsError        the operator: a setting or connection is wrong; retrying does not help
├── Stopped              a person: the kill switch or maintenance is on; the task parks and goes on after it
├── ToolRefused          the model: its message is the tool result
├── SourceUnavailable    nobody: a context source could not answer, it becomes a Gap
├── ModelUnavailable     nobody: the model refused, timed out or is overloaded; the rules agent goes on
├── BudgetExceeded       nobody: a limit of money, tokens, turns or time is reached; the rules agent goes on
├── WorkspaceError       the operator: the staging workspace could not be built or ran away; the proof is inconclusive
├── ForgeError           the operator: the forge did not take the change; clearing the deliver task is safe
│   ├── ForgeDown        nobody: the forge does not answer; the sweep delivers it later
│   └── DeliveryRefused  the operator: repository, token or files forbid it; nothing was written
├── StoreError           the operator: the store is unreachable, full or of another version
├── BadEvent             the sender: a lineage event cannot be taken in; sending it again does not help
├── AuditError           everybody: the ledger is broken, the run stops
└── IncidentNotFound     the caller: no incident, or no Dag run, has that id
"""

from __future__ import annotations


class AgenticError(Exception):
    """Base of all our errors; never raised itself."""


class SettingsError(AgenticError):
    """A setting or a connection cannot be used; the message names it and what is allowed."""


class Stopped(AgenticError):
    """The kill switch is thrown or maintenance is on; what was begun is kept, and goes on once that ends.

    :param until: when it ends, in ISO 8601; empty: when a person says so.
    """

    def __init__(self, message: str, *, until: str = "") -> None:
        super().__init__(message)
        self.until = until


class ToolRefused(AgenticError):
    """A tool call is not permitted or makes no sense; the message is shown to the model."""


class SourceUnavailable(AgenticError):
    """A context source could not answer; retrying within the same run will not help."""


class ModelUnavailable(AgenticError):
    """The model gave no usable answer: refusal, overload, time-out or invalid output.

    :param reason: one of ``refusal``, ``overloaded``, ``rate_limited``, ``timeout``, ``invalid_output``,
        ``unreachable``, ``authentication``, ``bad_request``; recorded in the ledger.
    """

    usage: object = None
    """The `Usage` until then, so that money spent on no answer is still told; None when nothing was asked."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class BudgetExceeded(AgenticError):
    """A limit of money, tokens, turns or time is reached; the message names the limit and its setting."""

    usage: object = None
    """As in `ModelUnavailable`."""


class WorkspaceError(AgenticError):
    """The workspace could not be built, or a run in it had to be ended; the proof is inconclusive."""


class ForgeError(AgenticError):
    """The forge did not take a change; what was done so far is safe to repeat."""


class ForgeDown(ForgeError):
    """The forge does not answer, is overloaded, or was not asked because it did neither; repeating later helps."""


class DeliveryRefused(ForgeError):
    """The repository, the token or what the files hold by now forbids it; nothing was written, retrying is no use."""


class StoreError(AgenticError):
    """The store is unreachable, full, or of another version."""


class BadEvent(AgenticError):
    """A lineage event cannot be taken in; the message says what is wrong with it. Those beside it are."""


class AuditError(AgenticError):
    """The ledger is broken or cannot be written; nothing may go on without it."""


class IncidentNotFound(AgenticError):
    """No incident or Dag run has that id."""
