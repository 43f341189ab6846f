"""Text → the spans in it that tell of a person, by form: addresses, telephones, accounts, cards, ids, named fields.

What proves itself is believed (an IBAN's and a card's check digits); what does not needs a name beside it. Addresses of
machines stay: ``git@``, service accounts, what follows ``://``. Bounded patterns behind fixed words: linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Found = tuple[int, int, str]
"""Start, end and kind."""

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+/:-])(?!(?:git|root|airflow|ubuntu|ec2-user|hadoop)@)[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}"
    r"@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}(?![A-Za-z0-9.-]*:[/~\w])(?![\w-])"
)
_MACHINES = (".gserviceaccount.com", ".internal", ".local", ".cluster", ".svc")
_PHONE = re.compile(
    r"(?<![\w.+-])\+[1-9]\d{0,2}[ ()./-]{0,2}(?:\d[ ()./-]{0,2}){6,12}\d(?![\w-])|(?<![\w(-])\(\d{3}\) ?\d{3}-\d{4}(?![\w-])"
    r"|(?<![\w.-])[2-9]\d{2}-[2-9]\d{2}-\d{4}(?![\w.-])"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_CARD = re.compile(
    r"(?<![\w.-])(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6(?:011|5\d{2})|35\d{2})(?:[ -]?\d{4}){3}(?![\w.-])"
    r"|(?<![\w.-])3[47]\d{2}[ -]?\d{6}[ -]?\d{5}(?![\w.-])"
)
_SSN = re.compile(r"(?<![\w.-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w.-])")

_FIELD = re.compile(
    r"(?P<key>(?:first|last|full|sur|given|family|maiden|middle|customer|patient|employee|cardholder|account_?holder)_?name"
    r"|e_?mail(?:_?address)?|(?:tele)?phone(?:_?(?:number|no))?|mobile(?:_?(?:number|no|phone))?|birth_?(?:date|day)|date_?of_?birth|dob"
    r"|ssn|social_?security(?:_?(?:number|no))?|passport(?:_?(?:number|no))?|(?:national|tax|personal)_?id(?:_?(?:number|no))?|svnr|nino"
    r"|iban|(?:credit_?)?card_?(?:number|no)|(?:street|home|postal|billing|shipping)(?:_?address)?|address_?line_?\d?|salary)"
    r"\\{0,2}[\"']?\s{0,3}(?::|=(?!=)|=>)\s{0,3}(?:(?P<quote>\\{0,2}[\"'])(?P<value>(?:(?!(?P=quote))[^\r\n]){1,200}?)(?P=quote)"
    r"|(?P<bare>[+\d][\d ./()+-]{4,30}\d))",
    re.IGNORECASE,
)
_FIELD_WORDS = (
    "name", "mail", "phone", "mobile", "birth", "dob", "ssn", "security", "passport", "id", "iban", "card", "street",
    "address", "salary", "svnr", "nino",
)  # fmt: skip
_TYPES = re.compile(
    r"(?:str(?:ing)?|text|varchar|char|n?varchar\d*|int(?:eger)?|bigint|number|numeric|decimal|float|double|date|datetime|timestamp\w*"
    r"|bool(?:ean)?|object|array|null|none|nan|true|false|required|missing|invalid|unknown|n/a|email|phone|uuid|object_id|int64|float64"
    r"|[a-z]+_[a-z_]+|<[^<>]*>|\*+|\{.*\}|%\(?\w*\)?s|:\w+|\?|)",
    re.IGNORECASE,
)


def personal_forms(text: str) -> Iterator[Found]:
    """Yield each span; they may overlap."""
    if "@" in text:
        for found in _EMAIL.finditer(text):
            if not found[0].lower().endswith(_MACHINES):
                yield *found.span(), "email"
    for kind, pattern, proved in (
        ("phone", _PHONE, None), ("iban", _IBAN, _is_iban), ("card", _CARD, _is_card), ("national-id", _SSN, None),
    ):  # fmt: skip
        for found in pattern.finditer(text):
            if proved is None or proved(found[0]):
                yield *found.span(), kind


def personal_fields(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and name of each value that a telling name is given."""
    lower = text.lower()
    if not any(word in lower for word in _FIELD_WORDS):
        return
    for found in _FIELD.finditer(text):
        group = "value" if found["value"] is not None else "bare"
        if not _TYPES.fullmatch(found[group].strip()):
            yield *found.span(group), found["key"]


def kind_of(value: str) -> str | None:
    """Return what a whole value is, if it proves itself; None: nothing that has a name here."""
    text = value.strip()
    return next((kind for start, end, kind in personal_forms(text) if (start, end) == (0, len(text))), None)


def _is_iban(text: str) -> bool:
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def _is_card(text: str) -> bool:
    digits = [int(char) for char in text if char.isdigit()][::-1]
    return sum(n if at % 2 == 0 else sum(divmod(2 * n, 10)) for at, n in enumerate(digits)) % 10 == 0
