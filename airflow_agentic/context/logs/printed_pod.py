"""Lines of the KubernetesPodOperator → why the pod did not run or what ended its container.

The operator logs the container's lines as ``[base] ...``, then ``Container 'base': state='TERMINATED',
reason='OOMKilled', exit_code=137, message='None'`` and ``Pod Event: FailedScheduling - ...``, and fails with
``Pod ... returned a failure.``
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_agentic.context.logs.printed_dbt import PrintedError

_REASONS = (
    "ImagePullBackOff|ErrImagePull|ErrImageNeverPull|InvalidImageName|CreateContainerConfigError|CreateContainerError|"
    "RunContainerError|ContainerCannotRun|StartError|CrashLoopBackOff|FailedScheduling|Unschedulable|FailedMount|"
    "FailedAttachVolume|FailedCreatePodSandBox|Evicted|Preempted|Preempting|DeadlineExceeded|NodeLost|NodeShutdown|OOMKilled"
)
_STATE = re.compile(
    rf"Container '(?P<name>[^']+)': state='\w+', reason='(?P<reason>{_REASONS})'(?:, exit_code=(?P<code>-?\d+))?"
    r"(?:, message='(?P<message>.*)')?"
)
_EVENT = re.compile(rf"(?:Pod Event: |Event: .* event of type )(?P<reason>{_REASONS}) - (?P<message>.+)")
_ANY = re.compile(rf"\b(?P<reason>{_REASONS})\b")
_MESSAGE = re.compile(r"'?\"?message'?\"?: (?:\"(?P<a>[^\"]{5,300})\"|'(?P<b>[^']{5,300})')")
_EXIT = re.compile(r"['\"]?exit_?[cC]ode['\"]?[:=] ?(?P<code>\d+)")
_BEFORE_IT_RAN = frozenset({"FailedScheduling", "Unschedulable", "Preempting"})
"""Passing states of a pod that may start later on all the same."""
_STARTED = re.compile(r"^Pod \S+ has phase (?:Running|Succeeded)|state='TERMINATED'|Started container|^\[base\] ")


def pod_error(texts: Sequence[str]) -> PrintedError | None:
    """Return the reason that Kubernetes gives; None when the container ran and failed by itself."""
    return _by_state(texts) or _by_event(texts) or _by_any(texts)


def _by_state(texts: Sequence[str]) -> PrintedError | None:
    for text in reversed(texts):
        match = _STATE.search(text)
        if match:
            told = match["message"] if match["message"] not in (None, "", "None") else ""
            code = f", exit code {match['code']}" if match["code"] else ""
            said = f"container {match['name']!r}: {match['reason']}{code}{': ' + told if told else ''}"
            return PrintedError(f"kubernetes.{match['reason']}", said)
    return None


def _by_event(texts: Sequence[str]) -> PrintedError | None:
    started = any(_STARTED.search(text) for text in texts)
    for text in reversed(texts):
        match = _EVENT.search(text)
        if match and not (started and match["reason"] in _BEFORE_IT_RAN):
            return PrintedError(f"kubernetes.{match['reason']}", match["message"].strip())
    return None


def _by_any(texts: Sequence[str]) -> PrintedError | None:
    """Read the pod's whole description, as the operator's exception and older versions print it."""
    for text in reversed(texts):
        matches = list(_ANY.finditer(text))
        if not matches:
            continue
        match = next((m for m in matches if m["reason"] == "OOMKilled"), matches[-1])
        if match["reason"] in _BEFORE_IT_RAN and any(_STARTED.search(other) for other in texts):
            continue
        why, code = _MESSAGE.search(text, max(0, match.start() - 200)), _EXIT.search(text)
        said = (why["a"] or why["b"]) if why else text.strip()[:300]
        if match["reason"] not in said:
            said = f"{said} ({match['reason']}{', exit code ' + code['code'] if code else ''})"
        return PrintedError(f"kubernetes.{match['reason']}", said)
    return None
