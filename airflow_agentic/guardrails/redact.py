"""Text → text without secrets, by span, with stable numbered placeholders.

Three sources: values that were registered, in the encodings in which they leak (`redaction/encodings`); the shapes of
`redaction/spans`; and a masker of somebody else (Airflow's), which runs last because it knows no spans. Only the
span is replaced: replacing every copy of what a pattern found once changed a sixth of a log (measured).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from airflow_agentic.redaction.encodings import RegisteredValues
from airflow_agentic.redaction.spans import Span, find_secrets, merge, replace_spans, strip_controls

__all__ = ["SpanRedactor", "strip_controls"]


class SpanRedactor:
    """The port `Redactor`. One instance numbers one document: same value, same number.

    :param values: registered secrets; a function is asked at every text, because connections register theirs late.
    :param masker: runs over what is left.
    """

    def __init__(
        self,
        values: Iterable[str] | Callable[[], Iterable[str]] = (),
        *,
        masker: Callable[[str], str] | None = None,
    ) -> None:
        self._masker = masker
        self._numbers: dict[str, int] = {}
        given = frozenset(() if callable(values) else values)
        self._values: Callable[[], Iterable[str]] = values if callable(values) else lambda: given
        self._registered_of: frozenset[str] = frozenset()
        self._registered = RegisteredValues(())

    def redact(self, text: str) -> str:
        """Return *text* with every secret replaced by a placeholder such as ``[secret:1:uri-password]``."""
        known = {(start, end): value for start, end, value in self._known(text)}
        spans: tuple[Span, ...] = merge([*((start, end, "registered") for start, end in known), *find_secrets(text)])
        values = {text[start:end]: value for (start, end), value in known.items()}
        clean = replace_spans(text, spans, lambda shown: self._number(values.get(shown, shown)))
        return self._masker(clean) if self._masker else clean

    def _known(self, text: str) -> Iterable[tuple[int, int, str]]:
        values = frozenset(self._values())
        if values != self._registered_of:
            self._registered_of, self._registered = values, RegisteredValues(values)
        return self._registered.find(text)

    def _number(self, value: str) -> int:
        return self._numbers.setdefault(value, len(self._numbers) + 1)
