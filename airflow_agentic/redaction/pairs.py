"""A user and a password side by side → the password: a call's arguments, ``login with etl / ...``, a key's id and the key.

No name stands beside the second of them; the first, or the verb before both, says what it is. It must look made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_agentic.redaction.nearby import Vocabulary, found_near
from airflow_agentic.redaction.words import PLAIN

_MADE = r"(?=[^\s\"']{0,80}\d)(?=[^\s\"']{0,80}[A-Za-z])(?=[^\s\"']{0,80}(?:[a-z][A-Z]|[!@#$%^&*+=?~]|[A-Z][a-z]|\d[A-Za-z]+\d))"
_NO_ADDRESS = r"(?![^\s\"']{0,100}(?:://|\.[a-z]{2,5}[\s\"']|/))"
_USER = r"[\"']?[A-Za-z][\w.@-]{1,60}[\"']?"
_ENDED = r"(?=[.!]?(?:[\s'\",;)\]]|\Z))"
_ARGUMENT = r"(?:[\w.]{1,40}|[bru]?[\"'][^\"'\r\n]{0,200}[\"'])\s{0,3},\s{0,12}"

_REACH = 1_200

_ROWS: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (kind, words, re.compile(pattern))
    for kind, words, pattern in (
        ("aws-key", ("AKIA", "ASIA"), r"\bA(?:KI|SI)A[A-Z0-9]{12,20}(?:[^\r\nA-Za-z0-9+/]{1,12}|[ ]/[ ])(?:[A-Za-z_]{1,30}[^\r\nA-Za-z0-9+/]{1,6})?(?P<value>[A-Za-z0-9+/]{40})(?![A-Za-z0-9+/=])"),
        ("login", ("ogin(", "uth", "edential", "ogon(", "EDENTIAL", "AUTH", "OGIN("),
         rf"(?i:log[io]n|auth\w{{0,20}}|set_authentication|credentials?)\(\s{{0,8}}(?:{_ARGUMENT}){{0,3}}?[bru]?[\"'][^\"'\r\n]{{0,200}}[\"']\s{{0,3}},\s{{0,12}}"
         rf"[bru]?[\"'](?P<value>{_MADE}{_NO_ADDRESS}[^\s\"']{{6,400}})[\"']"),
        ("login", ("ogin", "ogged in", "ogging in", "ogon", "redential", "creds", "uthenticat", "redenzial", "redencia", "ugangsdaten", "nmeldedaten", "dentifiants", "ogging"),
         rf"(?:[lL]og(?:in|on|ged in|ging in)|[cC]reden(?:tial|zial|cia)\w{{0,3}}|\bcreds|[aA]uthenticat\w{{1,5}}|(?:Zugangs|Anmelde)daten|[iI]dentifiants)\b(?:[ ][^\r\n:]{{1,60}}:(?=[ ])|(?:[ :=(]{{1,3}}(?:attempt|with|as|for|are|were|user|using|is|to|pair|used|failed|rejected|invalid)){{0,4}})"
         rf"[ :=(\"']{{1,4}}{_USER}(?::|[ ]?[/|,][ ]?|[ ]with[ ](?:password[ ])?)[\"']?(?P<value>{_MADE}[^\s\"'/,;:()<>]{{6,100}}?){_ENDED}"),
        ("login", ("onnect",),
         rf"(?:[cC]onnect(?:ion)?)\(\s{{0,8}}(?:{_ARGUMENT}){{0,4}}?[bru]?[\"'](?![^\"'\r\n]{{0,60}}[./:])[^\"'\r\n]{{1,60}}[\"']\s{{0,3}},\s{{0,12}}[bru]?[\"'](?P<value>{_MADE}{_NO_ADDRESS}[^\s\"']{{6,400}})[\"']"),
        ("login", (" / ",), rf":[ ]{{1,2}}{_USER}[ ]/[ ](?P<value>(?=\S{{0,80}}\d)(?=\S{{0,80}}[a-z])(?=\S{{0,80}}(?:[!#$%^&*+=?~]|[a-z][A-Z]|[A-Z][a-z]))[^\s\"'/,;:()<>]{{7,100}}?){_ENDED}"),
        ("uri-password", ("@",), r"(?<=[=\s\"'])(?!(?:to|from|cc|bcc|mailto|email|mail|owner|by|user|sha\d+):)[\w.-]{1,60}:(?P<value>(?=[^\s@]{0,80}\d)(?=[^\s@]{0,80}[a-z])(?=[^\s@]{0,80}(?:[!#$%^&*]|[A-Z]))[^\s:@/\"'<>]{4,100})@(?!sha\d)[\w.-]{2,100}(?::\d{2,5}\b|/|(?=[\s\"']|\Z))"),
        ("token", ("/t/", "/k/", "/token/", "/key/", "/apikey/"), r"https?://[^\s\"'<>?#]{0,200}?/(?:t|k|token|key|apikey)/(?P<value>(?=[\w-]{0,80}\d)(?=[\w-]{0,80}[a-z])(?=[\w-]{0,80}[A-Z])[\w-]{16,400})"),
        ("key", ("hmac", "Hmac", "HMAC", "KeySpec(", "AES.new", "erializer(", "Signer("),
         r"\b(?:hmac\.new|SecretKeySpec|createHmac|HMACSHA\d{1,3}|AES\.new|\w{0,30}Serializer|\w{0,20}Signer)\((?:[\"'][^\"'\r\n]{0,40}[\"'],\s{0,4})?b?[\"'](?P<value>[^\"'\r\n]{8,500})[\"']"),
        ("login", ('"AUTH"',), r"\"AUTH\"[ ](?:\"[^\"\r\n]{1,60}\"[ ])?\"(?P<value>[^\"\r\n]{3,400})\""),
        ("login", ("AUTH",), rf"\bAUTH[\"']?[ ](?!SCRAM|CRAM)(?:[\"']?\w{{1,40}}[\"']?[ ])?[\"']?(?P<value>{_MADE}[^\s\"'/,;:()<>]{{6,200}})"),
        ("login", ("LOGIN ",), rf"\b[A-Za-z]{{0,2}}\d{{1,6}}[ ]LOGIN[ ]{_USER}[ ][\"']?(?P<value>[^\s\"']{{3,200}})"),
        ("uri-password", ("@tcp(", "@unix(", "@tcp6("), r"(?<![^\s\"'=])[\w.-]{1,60}:(?P<value>[^\s\"'@]{3,200})@(?:tcp6?|unix)\("),
        ("value", ("alue",), r"[\"'][vV]alue\\?[\"']\s{0,3}:\s{0,3}\\?[\"'](?P<value>[^\"'\r\n\\]{4,400})\\?[\"']\s{0,3},\s{0,12}\\?[\"'](?i:name|key)\\?[\"']\s{0,3}:\s{0,3}\\?[\"'][\w./-]{0,60}(?i:password|passwd|pwd|secret|token|api_?key)\\?[\"']"),
        ("setting", ("_API", "_PAT", "_SK", "_CRED", "_LOGIN"), rf"_(?:API|PAT|SK|CREDS?|LOGIN)[\"']?[ ]?[=:][ ]?[\"']?(?P<value>{_MADE}[A-Za-z0-9+/=_.:-]{{16,400}})(?=[\s\"',;)]|\Z)"),
        ("webhook", ("hook",), r"https?://(?:[\w.-]{0,100}hooks?\.[\w.-]{1,100}(?::\d{1,5})?|[^\s\"'<>?#]{0,200}?/(?:web)?hooks?(?:-v?\d)?)(?:/(?:[a-z-]{1,20}|v\d))*/(?P<value>(?=[\w/.-]{0,200}?(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{16})[A-Za-z0-9][\w/.-]{15,300})"),
        ("signature", ("ignature", "hmac", "Hmac", "HMAC"), r"(?i:\bx-[a-z-]{1,40}(?:signature|hmac)(?:-[a-z]{0,3}\d{1,3})?)[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<value>(?:t=\d{9,13},)?(?:(?:sha\d{1,3}|v\d)[=,])?[A-Za-z0-9+/_-]{32,200}={0,2})"),
        ("license", ("icense", "ICENSE", "icence", "serial ", "serial_", "serial=", "serial:", "Serial ", "SERIAL", "ctivation", "ACTIVATION"), r"(?i:licen[sc]e|serial|activation)(?:[ _-]?(?i:key|code|number|no))?[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<value>(?=[A-Z-]{0,60}\d)[A-Z0-9]{4,8}(?:-[A-Z0-9]{4,8}){2,7})\b"),
        ("pin", ("pin:", "pin=", "pin is", "PIN", "pin\"", "pin'", "otp", "OTP", "passcode", "cess code", "cess_code", "ation code", "ation_code", "rity code", "rity_code", "ime code", "mfa", "2fa", "MFA", "2FA"), r"(?i:(?<![a-z])(?:pin|otp|passcode|(?:access|verification|one-time|security|2fa|mfa|login)[ _-]code))[\"']?(?:[ ](?:is|was)[ :]|\s{0,2}[:=])\s{0,2}[\"']?(?P<value>\d{4,8})\b(?![.:-]\d)"),
    )
)  # fmt: skip


def paired_secrets(text: str, vocabulary: Vocabulary) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each."""
    for kind, words, pattern in _ROWS:
        for found in found_near(text, vocabulary.of(words), pattern, after=_REACH):
            if kind == "pin" or not PLAIN.fullmatch(found["value"]):
                yield *found.span("value"), kind
