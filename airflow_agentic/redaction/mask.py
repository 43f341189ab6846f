"""Text → the same text with what tells of a person, and values of rows, replaced by typed, numbered placeholders.

``Key (email)=(bob@x.at)`` → ``Key (email)=(<email:1>)``; ``could not convert string to float: 'Bob Ray'`` →
``... '<value:1 Aaa Aaa>'``: the same value has the same number, and what has no kind keeps its form. A second pass
alters nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from airflow_agentic.redaction.personal import kind_of, personal_fields, personal_forms
from airflow_agentic.redaction.row_values import row_values

SHOWN = 24
"""Characters of a form that are told."""
_FORM = str.maketrans(
    {
        code: "9" if chr(code).isdigit() else "a" if chr(code).islower() else "A"
        for code in range(128)
        if chr(code).isalnum()
    }
)
_FIELD_KINDS = {
    "mail": "email",
    "phone": "phone",
    "mobile": "phone",
    "iban": "iban",
    "card": "card",
    "ssn": "national-id",
}

Shown = Callable[[str, str], bool]
"""Column and text around it → may its values be told?"""


class PersonalMask:
    """Numbers the values of one document.

    :param shown: says which columns may be told; none by default.
    """

    def __init__(self, shown: Shown = lambda column, text: False) -> None:
        self._shown = shown
        self._numbers: dict[tuple[str, str], int] = {}
        self._counts: dict[str, int] = {}

    def mask(self, text: str) -> str:
        """Return *text* without personal data and values of rows."""
        spans: list[tuple[int, int, str]] = []
        for start, end, column in row_values(text):
            if not (column and self._shown(column, text)):
                spans.append((start, end, kind_of(text[start:end]) or "value"))
        for start, end, name in personal_fields(text):
            if not self._shown(name, text):
                named = next((kind for part, kind in _FIELD_KINDS.items() if part in name.lower()), "value")
                spans.append((start, end, kind_of(text[start:end]) or named))
        spans += personal_forms(text)
        parts, done = [], 0
        for start, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
            if start < done or _is_ours(text, start, end):
                continue
            parts += [text[done:start], self._placeholder(kind, text[start:end])]
            done = end
        return "".join([*parts, text[done:]])

    def _placeholder(self, kind: str, value: str) -> str:
        if (kind, value) not in self._numbers:
            self._counts[kind] = self._numbers[kind, value] = self._counts.get(kind, 0) + 1
        number = self._numbers[kind, value]
        return f"<{kind}:{number} {form(value)}>" if kind == "value" else f"<{kind}:{number}>"


def form(value: str) -> str:
    """Return the form of a value: digits ``9``, letters ``A`` or ``a``, other letters ``a``, the rest as it is."""
    start = value[:SHOWN].translate(_FORM)
    plain = "".join("a" if ord(char) > 127 and char.isalpha() else char for char in start)
    safe = plain.replace("<", "(").replace(">", ")")
    return safe + ("…" if len(value) > SHOWN else "")


def _is_ours(text: str, start: int, end: int) -> bool:
    """Say whether the span lies within a placeholder that a first pass or the redactor of secrets has written."""
    opened = max(text.rfind("<", max(0, start - 60), end), text.rfind("[secret:", max(0, start - 60), start + 1))
    if opened < 0:
        return False
    closed = text.find(">" if text[opened] == "<" else "]", opened)
    inside = text[opened + 1 : opened + 14]
    ours = inside.startswith("secret:") or any(inside.startswith(f"{kind}:") for kind in _KINDS)
    return ours and closed >= start


_KINDS = ("email", "phone", "iban", "card", "national-id", "value")
