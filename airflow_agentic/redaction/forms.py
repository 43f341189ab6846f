"""Secrets that only the form around them gives away → their spans: SQL functions, commands, documents, key blocks.

No name stands beside these values, or it stands on another line. Each pattern is tried where its words are in the text,
begins with a fixed word and has bounded repetitions, as in `redaction/spans`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_agentic.redaction.forms_more import MORE_FORMS
from airflow_agentic.redaction.nearby import Vocabulary, found_near
from airflow_agentic.redaction.words import PLAIN, TEMPLATE

_TEXT = r"[ \t]{0,4}[nNeE]?'(?P<value>[^'\r\n]{3,500})'"
_LAST = r"\([^()'\r\n]{0,200}(?:'[^'\r\n]{0,200}'[^()'\r\n]{0,100}){0,2},"
_DATABASE = r"\((?:\s{0,4}'[^'\r\n]{0,200}'\s{0,4},){4}\s{0,4}"

_FORMS: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (kind, words, re.compile(pattern, re.IGNORECASE | re.MULTILINE))
    for kind, words, pattern in (
        ("sql-password", ("password(", "PASSWORD("), rf"(?<![\w.])(?:old_)?password\({_TEXT}\)"),
        ("sql-password", ("crypt", "CRYPT"), rf"\b(?:pgp_sym_|aes_|des_)?(?:en|de)crypt(?:_bytea|_raw|_iv)?{_LAST}{_TEXT}"),
        ("sql-password", ("phrase(", "PHRASE(", "Phrase("), rf"\b(?:en|de)cryptbypassphrase\({_TEXT}"),
        ("sql-password", ("hmac(", "HMAC("), rf"\bhmac{_LAST}{_TEXT}"),
        ("sql-password", ("sql(", "mongodb(", "remote("), rf"\b(?:mysql|postgresql|mongodb){_DATABASE}{_TEXT.replace('[nNeE]?', '')}"),
        ("sql-password", ("s3(", "s3Cluster("), r"\bs3(?:Cluster)?\([^()\r\n]{0,300}'[A-Z0-9]{16,32}'\s{0,4},\s{0,4}'(?P<value>[A-Za-z0-9/+=]{16,200})'"),
        ("login", ("sqlplus", "sqlldr", "expdp", "impdp", "rman"), r"\b(?:sqlplus|sqlldr|expdp|impdp|rman)\b[^\r\n|;]{0,120}?[\s='\"][\w$#.-]{1,60}/(?P<value>[^\s@/'\"]{3,100})(?=@|[\s'\"]|$)"),
        ("login", ("ogin", "ogon", "onnect", "conn ", "CONN", "LOG", "ser=", "ser:", "ser ", "serid", "sername", "redential"), r"\b(?:log[io]n|connect(?:ed|ing)?|conn|user(?:name|id)?|credentials?)(?:[ \t]{1,3}(?:as|to|with|using))?[ \t=:'\"]{1,4}[\w$#.-]{1,60}/(?P<value>[^\s@/'\"]{3,100})@(?=[A-Za-z/\"'])"),
        ("option", ("configure", "config set", "config', "), r"\bconfig(?:ure)?(?: |['\"],[ ]?['\"])set[ \t'\",]{1,6}[\w.-]{0,60}(?:secret|token|password|passwd|_key)[\w.-]{0,30}[ \t='\",]{1,6}(?P<value>[^\s'\"]{6,500})"),
        ("login", ("ORA-",), r"\bORA-\d{5}[^\r\n]{0,200}?[( '\"][\w$#.-]{1,60}/(?P<value>[^\s@/'\"]{3,100})@"),
        ("login", (" / ",), r"\blog[io]n[ =:'\"]{1,4}[^\s/@]{1,80}@[^\s/@]{1,80}[ \t]/[ \t](?P<value>(?=[^\s]{0,60}\d)[^\s'\"/]{6,200})"),
        ("login", ("user.info",), r"\buser\.info\\?[\"']?\s{0,3}[=:]\s{0,3}\\?[\"']?[^\s:'\"]{1,100}:(?P<value>[^\s'\"\\]{3,300})"),
        ("login", ("onnect(", "FTP(", "FTP_TLS(", "onnection("), r"(?:\bconnect|\bFTP(?:_TLS)?|Connection)\(\s{0,8}(?:['\"][^'\"\r\n]{0,200}['\"]\s{0,3},\s{0,8}){2}['\"](?P<value>(?=[^'\"]{0,60}\d)(?=[^'\"]{0,60}[A-Za-z])[^'\"\r\n]{6,200})['\"]"),
        ("login", ("ogin ", "ogon ", "ogged in ", "ogging in ", "og in ", "LOGIN "), r"\blog(?:in|on|ged in|ging in| in)[ \t]{1,3}(?:with|as|using)[ \t]{1,3}['\"]?[\w$.@-]{1,80}:(?P<value>(?=[^\s]{0,60}\d)(?=[^\s]{0,60}[A-Za-z])[^\s'\":/,]{6,200})"),
        ("sql-password", ("sp_add", "sp_pass"), r"\bsp_(?:addlogin|password|adduser|addlinkedsrvlogin)\b[^'\r\n]{0,60}N?'[^'\r\n]{0,100}',[ \t]{0,4}N?'(?P<value>[^'\r\n]{3,200})'"),
        ("option", ("mc alias", "mc config"), r"\bmc (?:alias set|config host add)[ \t]{1,3}\S{1,60}[ \t]{1,3}\S{1,200}[ \t]{1,3}\S{1,100}[ \t]{1,3}(?P<value>\S{6,200})"),
        ("option", ("net use", "smbclient", "lftp"), r"\b(?:net use\b[^\r\n]{0,200}?/user:\S{1,100}[ \t]{1,3}|smbclient\b[^\r\n]{0,200}?-U[ \t]?[^\s%]{1,100}%|lftp\b[^\r\n]{0,200}?-u[ \t]?[^\s,]{1,100},)(?:['\"](?P<value>[^'\"\r\n]{3,200})['\"]|(?P<bare>[^\s'\"*]{3,200}))"),
        ("cookie", ("cookies",), r"\bcookies[\"']?\s{0,3}[=:]\s{0,3}\{\s{0,3}[\"'][\w.-]{1,60}[\"']\s{0,3}:\s{0,3}[\"'](?P<value>[^\"'\r\n]{8,4000})[\"']"),
        ("key", ("jwt.", "Fernet("), r"\b(?:jwt\.(?:en|de)code\([^()\r\n]{1,200}?,[ \t]{0,4}|Fernet\()b?['\"](?P<value>[^'\"\r\n]{8,500})['\"]"),
        ("option", ("send",), r"\bexpect\b[^\r\n]{0,80}?(?:assword|assphrase)[^\r\n]{0,12}?[;)\s]{1,4}send(?:line)?[ (]{1,3}[\"'](?P<value>[^\"'\\\r\n]{3,200})"),
        ("option", ("nseal", "NSEAL"), r"\bunseal(?: Key(?: \d{1,2})?:)?[ \t]{1,4}(?P<value>[A-Za-z0-9+/]{43,44}=?)"),
        ("option", ("zip ", "7z", "rar "), r"\b(?:un)?zip\b[^\n|;&]{0,120}?\s(?:-P|--password)[ =]?(?P<value>[^\s'\"-][^\s'\"]{2,100})(?=\s)|\b(?:7z[a-z]?|(?:un)?rar)\b[^\n|;&]{0,120}?\s-p(?P<archive>[^\s'\"-][^\s'\"]{2,100})"),
        ("token", ('"kty"', "'kty'", '\\"kty\\"'), r"\\?[\"'](?:d|p|q|dp|dq|qi|k)\\?[\"']\s{0,3}:\s{0,3}\\?[\"'](?P<value>[A-Za-z0-9_-]{20,1400})\\?[\"']"),
        *MORE_FORMS,
        ("signature", ("Private-MAC",), r"Private-MAC:[ \t]{0,4}(?P<value>[0-9a-f]{40,64})"),
        ("input-value", ("input_value=",), r"^[^\r\n]{0,120}?(?:password|passwd|secret|token|api_?key|_key|credentials?|dsn|uri|private_key)[\w.\[\]]{0,40}[ \t]{0,4}\r?\n[^\r\n]{0,300}\binput_value=[fbr]?'(?P<value>[^'\r\n]{3,500})'"),
    )
)  # fmt: skip
_REACH = 4_500
_MANIFEST = re.compile(r"\bkind:[ \t]{0,4}[\"']?Secret[\"']?[ \t]*$", re.MULTILINE)
_DATA = re.compile(r"^[ \t]{0,20}(?:stringData|data):[ \t]*\r?\n", re.MULTILINE)
_ENTRY = re.compile(
    r"[ \t]{1,20}[\"']?[\w.-]{1,200}[\"']?:[ \t]{1,4}[\"']?(?P<value>[^\s\"'][^\r\n\"']{2,8000})[\"']?[ \t]*\r?(?:\n|\Z)"
)
_NEAR = 4_000
"""Characters around ``kind: Secret`` within which its data stand."""
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^\r\n]{0,20}\r?\n")
_KEY_LINE = re.compile(
    r"[^\r\n]{0,120}?(?<![A-Za-z0-9+/=])(?P<value>[A-Za-z0-9+/]{16,76}={0,2})[\"'│| \t+;,]{0,120}(?:\\n)?[\"'│| \t+;,]{0,120}(?:\[[\w.:-]{1,80}\][ \t]{0,20})?\r?(?:\n|\Z)"
)
_LONGEST_KEY = 120
"""Lines of a key block whose lines each stand behind a log's own words."""


def form_secrets(text: str, vocabulary: Vocabulary) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each."""
    for kind, words, pattern in _FORMS:
        for found in found_near(text, vocabulary.of(words), pattern, after=_REACH):
            group = str(found.lastgroup)
            if not (TEMPLATE if kind == "sql-password" else PLAIN).fullmatch(found[group]):
                yield *found.span(group), kind
    if "Secret" in text:
        yield from _kubernetes(text)
    if "PRIVATE KEY" in text:
        yield from _prefixed_keys(text)


def _kubernetes(text: str) -> Iterator[tuple[int, int, str]]:
    """Every value of a Secret's data is one, whatever its name."""
    done = 0
    for document in _MANIFEST.finditer(text):
        if document.start() < done:
            continue
        start = max(done, document.start() - _NEAR, text.rfind("\n---", 0, document.start()))
        for data in _DATA.finditer(text, start, document.end() + _NEAR):
            at = data.end()
            while entry := _ENTRY.match(text, at):
                if not PLAIN.fullmatch(entry["value"]):
                    yield *entry.span("value"), "kubernetes-secret"
                at = entry.end()
            done = max(done, at)


def _prefixed_keys(text: str) -> Iterator[tuple[int, int, str]]:
    """A key that was logged line by line: the log's words stand between its lines."""
    for begun in _BEGIN.finditer(text):
        at = begun.end()
        for _ in range(_LONGEST_KEY):
            line = _KEY_LINE.match(text, at)
            if not line:
                break
            yield *line.span("value"), "pem"
            at = line.end()
