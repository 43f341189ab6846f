"""Lines of a JVM or of Spark → the first cause that it tells: the JVM prints it last, as ``Caused by:``.

PySpark puts the JVM's whole trace into the message of its own exception, whose Python frames tell where in our code it
was; so class and message are the JVM's, frames are Python's where there are any.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from airflow_agentic.context.logs.printed_dbt import PrintedError
from airflow_agentic.records import Frame, TaskError
from airflow_agentic.tracebacks import MESSAGE_LIMIT, fingerprint

_CLASS = r"(?P<cls>(?:[a-z]\w*\.)+[A-Z][\w$]*)"
_SAID = re.compile(rf"^\s*(?:Exception in thread \"[^\"]*\" |Caused by: |: ){_CLASS}(?:: (?P<message>.*))?$")
_STAGE = re.compile(
    r"Job aborted due to stage failure: .*?(?:\(TID \d+\)|most recent failure)[^:]*?(?:\([^)]*\))?: "
    rf"{_CLASS}(?:: (?P<message>.*))?$"
)
_LOST = re.compile(
    r"ExecutorLostFailure \(executor \d+ exited[^)]*\)(?: Reason: (?P<a>.+))?|"
    r"(?P<b>Container (?:killed by YARN for exceeding|marked as failed).*)"
)
_ANALYSIS = re.compile(
    r"^(?:pyspark\.[\w.]*|org\.apache\.spark\.sql\.)(?P<cls>AnalysisException|ParseException): (?P<message>.+)$"
)
_FRAME = re.compile(r"^\s+at (?P<function>[\w.$<>]+)\((?P<path>[\w.$]+):(?P<line>\d+)\)")
_GENERAL = ("Py4JJavaError", "Py4JError", "SparkException", "PythonException")
_ABORTED = "Job aborted"


def jvm_error(texts: Sequence[str]) -> PrintedError | None:
    """Return the last ``Caused by`` with its frames, else what a stage failed of, else why executors were lost."""
    at = [(index, match) for index, text in enumerate(texts) if (match := _SAID.match(text))]
    telling = [(index, match) for index, match in at if not (match["message"] or "").startswith(_ABORTED)]
    for index, match in (telling or [])[-1:]:
        frames = [m for m in map(_FRAME.match, texts[index + 1 : index + 40]) if m]
        tops = tuple(Frame(path=m["path"], line=int(m["line"]), function=m["function"]) for m in reversed(frames[:10]))
        return PrintedError(match["cls"], (match["message"] or "").strip(), tops)
    for pattern in (_STAGE, _ANALYSIS):
        found = next((match for text in reversed(texts) if (match := pattern.search(text))), None)
        if found:
            return PrintedError(found["cls"], (found["message"] or "").strip())
    lost = next((match for text in reversed(texts) if (match := _LOST.search(text))), None)
    if lost:
        return PrintedError("spark.ExecutorLost", (lost["a"] or lost["b"] or lost[0]).strip())
    return PrintedError(at[-1][1]["cls"], (at[-1][1]["message"] or "").strip()) if at else None


def with_jvm_cause(error: TaskError, texts: Sequence[str]) -> TaskError:
    """Return PySpark's error with the class and the words of the JVM's cause; any other error as it is.

    :param texts: what the log says, for a message that was cut short.
    """
    if not error.error_class.rsplit(".", 1)[-1].startswith(_GENERAL):
        return error
    found = jvm_error(error.message.split("\n")) or jvm_error(texts)
    if found is None or found.error_class.endswith("SparkException"):
        return error
    message = found.message[:MESSAGE_LIMIT]
    return replace(
        error,
        error_class=found.error_class,
        message=message,
        frames=error.frames or found.frames,
        fingerprint=fingerprint(found.error_class, message, error.frames or found.frames),
        chain=(f"{found.error_class}: {message}"[:MESSAGE_LIMIT], *error.chain),
    )
