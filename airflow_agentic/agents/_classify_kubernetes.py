"""Kubernetes' own reason for a pod that did not run → a `Verdict`, and who must do what.

The reason is a word of the platform's, read from its states and events (`context.printed_pod`), so it says more than
any word of the message beside it: a registry's "denied" is no refused database, and a retry cures none of these.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_agentic.agents._verdict import Verdict
from airflow_agentic.records import Action, Category, Transience

PREFIX = "kubernetes."


@dataclass(frozen=True)
class _Reason:
    names: str
    why: str
    who: str
    transience: Transience = Transience.PERMANENT
    category: Category = Category.INFRASTRUCTURE


_REGISTRY = re.compile(
    r"unauthorized|denied|authentication|forbidden|no basic auth|credential|\b40[13]\b", re.IGNORECASE
)
_REASONS = (
    _Reason(
        "ImagePullBackOff|ErrImagePull|ErrImageNeverPull|InvalidImageName",
        "Kubernetes cannot pull the pod's image, so the task never began",
        "Whoever owns the image has to push the tag that the task names, or correct the name; then clear the failed "
        "task.",
    ),
    _Reason(
        "FailedScheduling|Unschedulable",
        "no node of the cluster can take the pod: too little is free for what it asks, or nothing matches its selector",
        "Whoever runs the cluster has to add nodes or free them, or the Dag's owner to ask for less (requests, "
        "selector, tolerations); then clear the failed task.",
        Transience.UNKNOWN,
    ),
    _Reason(
        "Evicted|Preempt(?:ed|ing)|NodeLost|NodeShutdown",
        "Kubernetes took the pod off its node: the node was short of something, was lost, or a more important pod came",
        "Clear the failed task. If it comes again, whoever runs the cluster has to give the pod requests, limits or a "
        "priority that keep it there.",
        Transience.TRANSIENT,
    ),
    _Reason(
        "CrashLoopBackOff|ContainerCannotRun|StartError|RunContainerError",
        "the container ends as soon as it is started, before the task's own code says anything",
        "Whoever owns the image has to look at its command, entrypoint and first lines; then clear the failed task.",
    ),
    _Reason(
        "CreateContainerConfigError|CreateContainerError",
        "a Secret, ConfigMap or setting that the pod names is not there",
        "Whoever runs the namespace has to create the Secret or ConfigMap that the message names; then clear the "
        "failed task.",
        category=Category.CONFIGURATION,
    ),
    _Reason(
        "FailedMount|FailedAttachVolume|FailedCreatePodSandBox",
        "the node could not give the pod its volume or network",
        "Whoever runs the cluster has to look at the volume or the node that the message names; then clear the failed "
        "task.",
        Transience.UNKNOWN,
    ),
    _Reason(
        "DeadlineExceeded",
        "the pod ran longer than its deadline allows and Kubernetes ended it",
        "The Dag's owner has to find out why it takes longer, or to raise active_deadline_seconds; then clear the "
        "failed task.",
        Transience.UNKNOWN,
    ),
    _Reason(
        "OOMKilled",
        "the container used more memory than its limit and was killed",
        "The Dag's owner has to raise the container's memory limit or to split the work; then clear the failed task.",
        Transience.UNKNOWN,
        Category.RESOURCE,
    ),
)  # fmt: skip
_REFUSED = (
    "Whoever owns the image pull secret has to renew it, or to allow the cluster to pull this image; then clear the "
    "failed task."
)


def classify_pod(error_class: str, message: str) -> Verdict | None:
    """Return what kind of failure a pod's reason is; None for an error of another class.

    :param error_class: ``kubernetes.`` and the reason, as `printed_pod` gives it.
    """
    name = error_class.removeprefix(PREFIX)
    reason = next((r for r in _REASONS if name != error_class and re.fullmatch(r.names, name)), None)
    if reason is None:
        return None
    refused = reason is _REASONS[0] and _REGISTRY.search(message) is not None
    return Verdict(
        category=reason.category,
        action=Action.NOTIFY,
        transience=reason.transience,
        why=reason.why + (": the registry refuses it" if refused else ""),
        matched=f"{name}: {message}"[:160],
        confidence=0.9,
        who=_REFUSED if refused else reason.who,
    )
