"""Command lines → the secrets in them that only their place gives away: behind ``-p``, in a pipe, third after a verb.

Two kinds of rows. Tools that are known by name say what their letters mean. For all others a grammar holds: a line that
names a user by one option and gives ``-p`` another, a verb such as ``set-password`` with a user and one more word, a
here-string for what asks at the terminal. There the value must also look made up, for ``-p`` may as well be a port.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_agentic.redaction.nearby import Vocabulary, found_near
from airflow_agentic.redaction.words import PLAIN

_GAP = r"(?:\s{0,2}|=|['\"],\s?(?=['\"]))"
_QUOTED = r"(?P<quote>['\"]?)(?P<value>(?(quote)[^'\"\r\n]|[^\s'\"]){3,200})"
_PAIR = r"[\"']?[^\s:\"'/]{1,100}:(?P<value>[^\s\"'@/]{3,500})"
_WORD = r"[\"']?(?P<value>[^\s\"'|;&<>]{3,200})"
_FIELD = r"[\w.@%$\\-]{1,80}"

# Kind of look that the value must have ("" for any, see `_looks`), words that guard the pattern, the pattern.
_ROWS: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (look, words, re.compile(pattern))
    for look, words, pattern in (
        # One option holds user and password.
        ("", ("-u", "--user", "--proxy-user"), rf"(?<![^\s\"'])(?:-u|--user|--proxy-user)(?:[ =]|[\"'],?[ ]?)(?![^\s:]{{1,60}}:(?:root|airflow|staff|users?|wheel|docker|nobody|daemon|nogroup|www-data)\b){_PAIR}"),
        ("made", ("-u", "-a ", "--auth", "--cred", "--login", "-U", "-c "), rf"(?<![^\s\"'])(?:-u(?=[A-Za-z])|-[aUc][ ]|--(?:auth|creds?|credentials|login|basic-auth|basic)[ =]){_PAIR}"),
        # Tools that are known by name.
        ("", (" -p", " -P", " -w", " -a", " -c", "'-p", '"-p', "'-a", "'-w", "'-P"),
         r"\b(?:sshpass|(?:docker|podman|az|helm registry|oc|skopeo|crane|nerdctl) login|twine|mongo\w{0,8}|redis-cli|bcp|sqlcmd|isql|kinit|ldap\w{2,10}|lftp|ncftp\w{0,4}|"
         r"snowsql|beeline|cqlsh|vsql|nzsql|psexec|airflow users \w{1,10}|snmp\w{2,12}|plink|pscp|psftp|hdbsql|ipmitool)\b"
         rf"[^\n|;&]{{0,200}}?[\s'\"]-(?:pw|p|P|w|a|c){_GAP}{_QUOTED}"),
        ("", ("mysql", "mariadb"), rf"\b(?:mysql|mariadb)\w{{0,10}}\b[^\n|;&]{{0,200}}?[\s'\"]-p(?:['\"],\s?(?=['\"]))?(?!\s){_QUOTED}"),
        ("", ("vault login", "pass:"), r"\b(?:vault login|-pass(?:in|out)? ['\"]?pass:|pass:)[ ]{0,2}(?P<value>[A-Za-z0-9][^\s\"']{5,200})"),
        ("", ("openssl",), rf"\bopenssl (?:enc|aes|des)\b[^\n|;&]{{0,200}}?[ ]-(?:k|K|iv)[ ]{_WORD}"),
        ("", ("snmp",), rf"\bsnmp\w{{2,12}}\b[^\n|;&]{{0,200}}?[ ]-[AX][ ]{_WORD}"),
        ("", ("snmp",), rf"\bsnmp\w{{2,12}}\b[^\n|;&]{{0,200}}?[ ]-[AX][ ][^\s]{{1,100}}[^\n|;&]{{0,100}}?[ ]-[AX][ ]{_WORD}"),
        ("", ("snmp-server",), rf"\bsnmp-server community[ ]{_WORD}"),
        ("", ("htpasswd",), rf"\bhtpasswd[ ](?:-\w{{1,8}}[ ]){{0,4}}-?\w{{0,4}}(?:(?<=[ ])(?:[^\s-]\S{{0,100}}[ ])?{_FIELD}[ ]){_WORD}"),
        ("", ("net use", "NET USE"), rf"(?i:\bnet use)[ ](?:\S{{1,100}}[ ]){{1,2}}(?![/\\*]|\S:[ ]){_WORD}(?=[ ]/)"),
        ("", ("net user", "NET USER"), rf"(?i:\bnet user)[ ]{_FIELD}[ ](?![/*]){_WORD}"),
        ("", ("-b ", "--cookie"), r"(?<!\S)(?:-b|--cookie)[ =][\"']?[\w.-]{1,60}=(?P<value>[^\s\"';]{8,2000})"),
        # What is fed to a command that would ask at the terminal.
        ("", ("-stdin", "-fd", "sudo -S", "| kinit", "| passwd", "|passwd", "| su ", "smbpasswd"), r"\becho\s{1,3}(?:-n\s{1,3})?(?P<quote>['\"]?)(?P<value>[^'\"\s|]{4,200})(?P=quote)\s{0,3}\|[^\n|]{0,120}(?:--?(?:password-stdin|stdin|pass(?:word|phrase)?-fd)|sudo -S|\bkinit\b|\bpasswd\b(?!-)|\bsu\b(?!-\w)|\bsmbpasswd\b)"),
        ("", ("chpasswd",), r"\b(?:echo|printf)\s{1,3}(?:-n\s{1,3})?['\"]?[\w.$-]{1,60}:(?P<value>[^'\"\s|]{3,200})['\"]?\s{0,3}\|[^\n|]{0,60}chpasswd"),
        ("", ("<<<",), rf"\b(?:kinit|passwd|login|sudo -S|gpg|openssl|cryptsetup|\w+-stdin)\b[^\n|;&]{{0,120}}?<<<[ ]?{_WORD}"),
        # A database's own words.
        ("", ("SING ", "sing "), rf"(?i:\bconnect(?:ed)?\b[^\n;]{{0,120}}?\buser[ ]['\"]?{_FIELD}['\"]?[ ]using)[ ](?!(?i:ssl|tls|password|kerberos)\b){_WORD}"),
        ("", ("IDENTIFIED",), r"\bIDENTIFIED[ ]{1,4}BY[ ]{1,4}(?!VALUES|PASSWORD|EXTERNALLY|GLOBALLY)(?P<value>[A-Za-z0-9][\w$#]{2,60})(?=[\s;]|\Z)"),
        ("made", ("dentified by",), r"\bidentified[ ]{1,4}by[ ]{1,4}(?P<value>[A-Za-z0-9][\w$#]{2,60})(?=[\s;]|\Z)"),
        # The grammar of all others.
        ("made", ("/p:", "/P:", "/pw:", "/pwd:", "/pass:", "/password:"), r"(?<!\S)/(?:p|P|pw|pwd|pass|password):['\"]?(?P<value>[^\s\"'=]{3,200})(?=[\s\"']|$)"),
        ("made", ("user add ", "adduser ", "addauth ", "add-user "), rf"\b(?:user add|add-?user|addauth[ ]\w{{1,20}})[ ]{_PAIR}"),
        ("strong", ("user ",), rf"(?:^|[>;'\"]|quote)[ ]?user[ ]{_FIELD}[ ]{_WORD}"),
        ("made", (" /rp ", " /de "), rf"\b(?:schtasks|dtexec)\b[^\n|;&]{{0,200}}?[ ]/(?:rp|de)[ ]{_WORD}"),
        ("opaque", (" -t ", " -k "), rf"(?<=[ ])-[tk][ ](?=[^\s]{{0,80}}[A-Z])(?=[^\s]{{0,80}}[a-z]){_WORD}"),
        ("made", ("user", "pass"), rf"\b(?:add|create|change|set|update|reset)[_-]?(?:user|pass(?:word|wd)?|credentials?)[ ]{_FIELD}[ ]{_WORD}"),
        ("opaque", ("token ", "secret ", "key "), rf"\b(?:set|add|create|store|put|import|rotate)-?[a-z-]{{0,24}}(?:token|secret|key)[ ](?:[a-z-]{{2,30}}[ ])?{_WORD}"),
        ("made", ("secret",), rf"\bsecrets?\b[^\n|;&]{{0,120}}?--?(?:body|value|secret-string|string-value|data|plaintext|literal)[ =]{_WORD}"),
        ("made", ("useradd", "usermod"), rf"\buser(?:add|mod)\b[^\n|;&]{{0,120}}?[ ](?:-p|--password)[ =]{_WORD}"),
        ("made", ("obscure ",), rf"\bobscure[ ]{_WORD}"),
        ("strong", ("@",), r"(?<![^\s\"'=])[A-Za-z]\w{1,30}/[\"']?(?P<value>[^\s/@\"']{6,100})[\"']?@(?!v?\d)(?=[A-Za-z/\"'][\w.:/-]{0,200})(?![A-Z][A-Z0-9-]{0,60}\.[A-Z])"),
    )
)  # fmt: skip
_FLAG = re.compile(
    r"(?<![^\s'\"])-(?:pw|[pPwW])(?:[ =]|['\"],[ ]?(?=['\"])|(?=[^\s=-]))(?P<quote>['\"]?)(?P<value>[^\s'\"]{4,200})"
)
_USER = re.compile(r"(?<![^\s'\"])(?:-[uUlD]|--?(?:user(?:name)?|login))(?:['\"],)?[ =]?[^\s-]")
_AROUND = 240
_REACH = 700
_MIXED = re.compile(r"(?=[^\s]*\d)(?=[^\s]*[A-Za-z])")
_NO_VALUE = re.compile(r"[\d:.,]+[a-z]{0,2}|[./~$%{\[<-].*|[\w.-]+=[^=].*|[a-z]+/.*|\w+:\d+")
_SWITCHES = re.compile(r"[0-9](?=[A-Za-z])|[A-Za-z](?=[0-9])|[a-z](?=[A-Z])")


def command_secrets(text: str, vocabulary: Vocabulary) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each."""
    for look, words, pattern in _ROWS:
        for found in found_near(text, vocabulary.of(words), pattern, after=_REACH):
            if _looks(found["value"], look):
                yield *found.span("value"), "option"
    if vocabulary.of((" -p", " -P", " -w", " -W", "'-p", '"-p')):
        yield from _beside_a_user(text)


def _beside_a_user(text: str) -> Iterator[tuple[int, int, str]]:
    """Read ``-p X`` as a password where the same line names a user by an option."""
    for found in _FLAG.finditer(text):
        at = found.start()
        begun = text.rfind("\n", max(0, at - _AROUND), at) + 1 or max(0, at - _AROUND)
        ended = text.find("\n", at, at + _AROUND)
        if _looks(found["value"], "made") and _USER.search(text, begun, ended if ended >= 0 else at + _AROUND):
            yield *found.span("value"), "option"


def _looks(value: str, look: str) -> bool:
    """Say whether a value has the look that its row asks for.

    :param look: ``made``: letters with digits, capitals within or signs; ``strong``: letters, digits and one of the
        latter; ``opaque``: no word of a language at all; empty: anything that is no template.
    """
    if PLAIN.fullmatch(value):
        return False
    if not look:
        return True
    if _NO_VALUE.fullmatch(value):
        return False
    signed = bool(
        re.search(r"[!@#$%^&*+=?~]|[a-z][A-Z]|[A-Z].*[a-z].*\d|[A-Z].*\d.*[a-z]|\d.*[A-Z].*[a-z]", value[:100])
    )
    if look == "opaque":
        return len(value) >= 12 and len(_SWITCHES.findall(value)) >= 4
    return (bool(_MIXED.match(value)) and (signed or look == "made")) or (look == "made" and signed)
