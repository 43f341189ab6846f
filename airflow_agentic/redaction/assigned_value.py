"""A value that a telling name is given → is it a secret, or a reference, a word of a sentence, another thing's name?"""

from __future__ import annotations

import re

from airflow_agentic.redaction.words import IDENTIFIERS, PLAIN

_TYPED = re.compile(r"[A-Za-z_]+\d{0,3}|[^A-Za-z]*|\D*")
_BEFORE_NAME = re.compile(r"\w*\Z")
_PHRASE = re.compile(r"(?:[a-z]{3,12}\.){2,7}[a-z]{3,12}\d{0,4}")
_CODE = re.compile(
    r"\b(?:self|cls|conn\w*|conf\w*|settings?|secrets?|pass\w*|pwd|token|key|env|environ|vars?|values?|data|spec|args?|params?|context|get|"
    r"airflow|com|org|net|io|auth|user|creds?|credentials?|vault|request|response|app|module|local|input|each|this)\b"
)
"""A passphrase of words with dots between is written like an attribute, but for what the words are."""
_ADDRESS = re.compile(r"[\w.+-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}(?:(?:/|%2F)\S{0,200})?")
_PASSWORD = re.compile(r"pass[a-z]|pw")
_GOES_ON = re.compile(r"[ ][a-z]{2,20}[ ][a-z]{1,20}\b")
_VARIABLE = re.compile(r"[a-z]+(?:_[a-z]+){0,4}_(?:password|passwd|pwd|secret|token|key|credentials?)")
_A_NAME = re.compile(r"[a-z]{2,20}(?:[-.][a-z]{1,20}){1,6}(?:\.v\d{1,2})?")
_NAMED_SO = re.compile(
    r"(?:(?:\A|[^\w.-]|(?<![\w.-])--|existing[_-]?|k8s[_-]?|kubernetes[_-]?)secret|routing[_ -]?key)"
)
"""``secret: airflow-broker`` and ``routing key: orders.created`` name a thing: words, joined, without a digit."""
_PARSED = re.compile(
    r"(?:unexpected|illegal|near|at|expect(?:ed|ing)|unknown|next|last|this|invalid|bad|or|of|a|the|csrf)[ \t]\Z"
)


def is_value(text: str, lower: str, name: int, span: tuple[int, int], *, beside: bool, worded: bool) -> bool:
    """Say whether what stands at *span* is the value of the name at *name*.

    :param beside: it stands in the next cell of a table, with no sign between.
    :param worded: a verb of a sentence stands between.
    """
    value = text[span[0] : span[1]].strip()
    quoted = text[span[0] - 1] in "\"'`"
    a_phrase = lower.startswith(("pass", "pw"), name) and _PHRASE.fullmatch(value) and not _CODE.search(value)
    if not value or (PLAIN.fullmatch(value) and not a_phrase) or text[span[1] : span[1] + 1] in ("(", "[", "{"):
        return False
    if _is_name(lower, name, value, quoted=quoted) or _is_prose(text, lower, name, span, value):
        return False
    if beside and (_TYPED.fullmatch(value) or IDENTIFIERS.fullmatch(value)):
        return False
    return not worded or quoted or bool(re.search(r"\d|[a-z][A-Z]", value))


def _is_name(lower: str, name: int, value: str, *, quoted: bool) -> bool:
    """Say whether it names something: a variable, a secret of a store, an account."""
    begun = name - len(_BEFORE_NAME.search(lower, max(0, name - 40), name)[0])  # type: ignore[index]
    if not quoted and (lower.startswith(value.lower(), begun) or _VARIABLE.fullmatch(value)):  # `password=password`
        return True
    if _A_NAME.fullmatch(value) and _NAMED_SO.search(lower, max(0, name - 24), name + 6):
        return True
    if lower.startswith("dsn", name):
        return not re.search(r"@|//|=", value)
    return lower.startswith("cred", name) and bool(_ADDRESS.fullmatch(value))


def _is_prose(text: str, lower: str, name: int, span: tuple[int, int], value: str) -> bool:
    a_word = value.isalpha() and (value.istitle() or (value.islower() and not _PASSWORD.match(lower, name)))
    if text[span[0] - 1] == "`" and " " in value:  # a command whose output is the value
        return True
    if a_word and _GOES_ON.match(text, span[1]):
        return True
    parsed = lower.startswith("token", name) and _PARSED.search(lower, max(0, name - 12), name)
    return bool(parsed and re.fullmatch(r"[A-Za-z_]*|\W+", value))
