"""Text of strangers → Markdown that says the same and does nothing.

For pull requests, issues and review forms. GitHub links mentions, references and closing words in the *rendered*
text, so a backslash or an entity does not stop them; a code span does. Hence: a word that is not plainly a word
becomes a code span as a whole. Beside the records, because forges, guardrails and wiring all publish text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_OSC = re.compile(r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)")
_CSI = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
_ESC = re.compile(r"\x1b[ -/]*[0-~]?")
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u180b\u180c\u180d\u180f\ufeff")
"""Letters and marks that show nothing; the general categories do not tell them apart."""
_PLAIN = re.compile(r"[^\W_]+(?:[.,:;/%='\"()+-]+[^\W_]+)*", re.UNICODE)
_AFFIX = re.compile(r"^([(\"']*)(.*?)([.,:;!?)\"']*)$", re.DOTALL)
_REFERENCE = re.compile(
    r"GH-\d|\b[0-9a-f]{7,64}\b|www\.|:/|\b(?:mailto|xmpp|javascript|data|vbscript|file):", re.IGNORECASE
)
_LINK = re.compile(r"^https://([a-z0-9.-]+)(/[\w.~%/-]*)?$", re.IGNORECASE)
_ALONE = re.compile(r"^[-+*=_>#|~`]+$")
_NUMBER = re.compile(r"^\d+[.)]$")
"""Begins a list, where it begins the line."""
_SIGNS = frozenset("→←↔≤≥≠≈±×…–—·•")
MARKS = frozenset("&()+,-./:;=%'\"?!")


def strip_controls(text: str) -> str:
    """Return *text* without terminal sequences, control, bidirectional, zero-width and tag characters.

    Line feeds and tabs stay; a carriage return becomes a line feed, because it hides what stood before it.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for pattern in (_OSC, _CSI, _ESC):
        text = pattern.sub("", text)
    text = text.replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(char for char in text if not is_invisible(char))


def is_invisible(char: str) -> bool:
    """Say whether a character shows nothing or changes the order in which others are shown."""
    if char in "\n\t":
        return False
    if char in _BLANKS or "\ufe00" <= char <= "\ufe0f" or "\U000e0000" <= char <= "\U000e0fff":
        return True
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def escape_markdown(text: str, *, hosts: Iterable[str] = ()) -> str:
    """Return *text* as one line of Markdown without effect: no mention, reference, link, image, HTML or heading.

    Safe in a paragraph, a list item and a table cell. All white space, line feeds included, becomes single spaces.

    :param hosts: addresses ``https://host/path`` on these stay links, unless they name an issue or a pull request.
    """
    allowed = frozenset(host.lower() for host in hosts)
    words = strip_controls(text).split()
    first = [code_span(words[0])] if words and _NUMBER.match(words[0]) else []
    return " ".join([*first, *(_word(word, allowed) for word in words[len(first) :])])


def code_span(text: str) -> str:
    """Return *text* as inline code, one line, whatever it holds; safe in a table cell."""
    flat = " ".join(strip_controls(text).split()).replace("|", "\\|")
    if not flat:
        return "` `"
    fence = "`" * (_longest_run(flat) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def code_block(text: str, language: str = "") -> str:
    """Return *text* as a fenced block whose fence is longer than any inside it. Must begin at the start of a line."""
    clean = strip_controls(text).rstrip("\n")
    fence = "`" * max(3, _longest_run(clean) + 1)
    word = language if re.fullmatch(r"[a-z0-9+-]{0,20}", language) else ""
    return f"{fence}{word}\n{clean}\n{fence}"


def _word(word: str, hosts: frozenset[str]) -> str:
    if _ALONE.match(word):
        return "\u2013" if set(word) == {"-"} else code_span(word)
    before, core, after = _AFFIX.match(word).groups()  # type: ignore[union-attr]
    link = _LINK.match(core)
    if link and link[1].lower() in hosts and not re.search(r"/(?:issues|pull|commit)/", link[2] or "", re.IGNORECASE):
        return word
    if core and _PLAIN.fullmatch(core) and not _REFERENCE.search(core):
        return word
    if set(word) <= (MARKS if not core else _SIGNS):
        return word
    return f"{before}{code_span(core or word)}{after}" if core else code_span(word)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
