"""More rows for `redaction/forms`: what people write in a sentence, what tools print once, what a protocol says aloud.

Kept apart because it is another kind of text: no name with ``=`` beside the value, but a verb, a position or a column.
"""

from __future__ import annotations

_MIXED = r"(?=[^\s'\"]{0,80}\d)(?=[^\s'\"]{0,80}[A-Za-z])"
_ODD = r"(?=[^\s'\"]{0,80}[\d!@#$%^&*+=~])"
_SUFFIX = (
    r"(?!\w{0,60}_(?:NAME|FILE|PATH|DIR|ID|IDS|ARN|URL|URI|HOST|PORT|TTL|TYPE|VERSION|COUNT|SIZE|BACKEND|SHA\d*|HASH|DIGEST|"
    r"CHECKSUM|FINGERPRINT|LENGTH|REGION|EXPIRY|EXPIRES|ALGORITHM)[\"']?[ \t]{0,3}[=:])"
)

MORE_FORMS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("password", ("assword ", "assphrase ", " pw "), rf"\b(?:using|with|used|tried|trying|sent|typed|entered|gave|given)[ ](?:the[ ])?(?:password|passphrase|pw)[ ](?:of[ ]|:[ ]?)?['\"]?(?P<value>{_ODD}[^\s'\"]{{5,200}})"),
    ("password", ("answered with", "replied with", "filled with", "responded with"), r"\b(?:password|passphrase|passcode|pin)\b[^\r\n'\"]{0,60}?(?:answered|replied|filled|responded)[ ]with[ ](?:['\"](?P<value>[^'\"\r\n]{3,200})['\"]|(?P<bare>(?=[^\s]{0,60}\d)[^\s'\"]{5,200}))"),
    ("password", ("from '", 'from "', "von '", 'von "'), r"\b(?:password|passwd|passwort|kennwort|secret|token|api[ _-]?key)\b[^\r\n'\"]{0,60}?[ ](?:from|von)[ ]['\"](?P<value>[^'\"\r\n]{3,200})['\"][ ](?:to|auf|zu)\b"),
    ("password", ("assword from ", "asswort von "), rf"\bpass(?:word|wort)[ ](?:from|von)[ ](?P<value>{_ODD}[^\s'\"]{{5,200}})[ ](?:to|auf)\b"),
    ("password", ("assword from ", "asswort von "), rf"\bpass(?:word|wort)[ ](?:from|von)[ ][^\s'\"]{{3,200}}[ ](?:to|auf)[ ](?P<value>{_ODD}[^\s'\"]{{5,200}})"),
    ("password", (" as password", " as the password", " as pw", " als Passwort"), rf"\b(?:try|use|using|used|enter|type|with|set|sent)[ ](?P<value>{_ODD}[^\s'\"]{{5,200}})[ ](?:as|als)[ ](?:the[ ]|its[ ]|your[ ])?(?:password|pw|passwort)\b"),
    ("password", ("SecureString",), r"\bSecureString[ ](?:-String[ ])?[\"'](?P<value>[^\"'\r\n]{3,200})[\"']"),
    ("password", ("assword", "ASSWORD", "asswd", "asswort", "ennwort", "ecret", "api key", "API key", "api_key", "api-key"), rf"\b(?:password|passwd|passwort|kennwort|secret|api[ _-]?key)\b[^\r\n'\"]{{0,60}}?(?:changed|rotated|updated|reset|set|geändert|zurückgesetzt|gesetzt)(?:[ ](?:from|von)[ ]['\"][^'\"\r\n]{{1,200}}['\"])?[ ](?:to|auf)[ ](?:['\"](?P<value>[^'\"\r\n]{{3,200}})['\"]|(?P<bare>{_ODD}{_MIXED}[^\s'\"]{{5,200}}))"),
    ("password", ("asło", "haslo", "achtwoord", "ösenord", "alasana", "heslo", "arola"), rf"\b(?:has[łl]o|wachtwoord|lösenord(?:et)?|salasana|heslo|parolas?)\b[^\r\n:=]{{0,60}}?[ ](?:to|jest|is|är|on|je|è|este)[ ]['\"]?(?P<value>{_MIXED}[^\s'\"]{{5,200}})"),
    ("pin", ("PIN",), r"(?-i:\bPIN\b)[^\r\n:=\d]{0,50}(?:\bis\b|\bist\b|\blautet\b|\best\b|\bes\b|[:=])[ \t]{0,3}(?P<value>\d{4,8})\b"),
    ("key", ("d'API", "d’API", "API-Schlüssel", "jeton", "clave", "Schlüssel", "chiave", "chave", "Zugangs"), r"(?:\bcl[ée] d['’]API|\bAPI-Schlüssel|\bSchlüssel|\bZugangs(?:code|daten|schlüssel)|\bjeton|\bclave(?: de API)?|\bchiave(?: API)?|\bchave(?: da API)?)\b[^\r\n:=]{0,60}?(?:[ ](?:est|ist|lautet|es|è|é)[ ]|[ \t]{0,2}[:=][ \t]{0,3})['\"]?(?P<value>(?=[^\s'\",]{0,80}\d)(?=[^\s'\",]{0,80}[A-Za-z])[^\s'\",;]{8,400})"),
    ("login", (" / ",), rf"\b(?:log[io]n|creds?|credentials?|user)[ =:'\"]{{1,4}}[^\s/]{{1,80}}[ \t]/[ \t](?P<value>{_MIXED}(?=[^\s]{{0,80}}(?-i:[A-Z!@#$%^&*+=~]))[^\s'\"/]{{6,200}})"),
    ("login", ("LOGIN ",), r"(?-i:\bLOGIN)[ ][\"']?[^\s\"']{1,100}[\"']?[ ]\\?\"(?P<value>[^\"\r\n]{3,200}?)\\?\""),
    ("login", ("LOGON ", "logon "), r"\.?\blogon[ \t]{1,4}[\w.-]{1,100}/[\w.$-]{1,60},(?P<value>[^\s;,'\"]{3,100})"),
    ("key", ("api-key store", "api-key create"), r"\bapi-key store[ \t]{1,4}[^\s-][^\s]{5,60}[ \t]{1,4}(?P<value>[A-Za-z0-9+/=_-]{16,200})"),
    ("sql-password", ("REPLACE", "replace"), r"\bidentified[ \t]{1,4}by[ \t]{1,4}(?:\"[^\"\r\n]{1,200}\"|\S{1,200})[ \t]{1,4}replace[ \t]{1,4}[\"']?(?P<value>[^\"'\s;]{3,200})"),
    ("password", ("wd={", "WD={", "assword={", "ASSWORD={"), r";[ \t]?(?:pwd|password)=\{(?P<value>(?!\{)(?!(?-i:[a-z_.]{1,60})\d?(?:![rsa])?\})(?:[^}\r\n]|\}\}){3,200})\}"),
    ("uri-password", ("%3A%2F%2F", "%3a%2f%2f"), r"%3A%2F%2F(?:[^\s%&\"']|%(?!3A|40|2F)[0-9A-F]{2}){0,100}%3A(?P<value>(?:[^\s%&\"']|%(?!3A|40|2F)[0-9A-F]{2}){3,300})%40"),
    ("key", ("-Key ", "-key ", "-KEY ", "-Token ", "-token ", "-Secret ", "-secret "), r"(?<![\w-])x-(?:[a-z]{1,20}-){0,3}(?:key|token|secret)[ \t]{1,4}[\"']?(?P<value>(?=[^\s\"']{0,80}\d)[A-Za-z0-9_.+/=-]{16,400})"),
    ("password", ("assword::", "ASSWORD::"), r"\w{0,30}password::[ \t]{0,3}(?P<value>[A-Za-z0-9+/]{4,400}={0,2})"),
    ("secret", ("DBT_ENV_SECRET_",), r"DBT_ENV_SECRET_\w{1,80}[\"']?\)?[ \t]{0,3}(?:=|:|->|resolved to|is|returned)[ \t]{0,3}[\"']?(?P<value>[^\s\"']{4,500})"),
    ("password", ("<",), r"<(?:[\w-]{1,30}:)?\w{0,30}(?:password|passwd|secret|apikey|passphrase)[ \t][^<>\r\n]{0,200}>\s{0,10}(?P<value>[^<>\r\n]{3,500}?)\s{0,10}</"),
    ("password", ("\\x00",), r"(?:password|passwd|secret|token|auth)(?:\\x[0-9a-f]{2}){1,4}(?P<value>[^\\\s'\"]{3,200})(?=\\x|['\"])"),
    ("seed", ("MFA", "TOTP", "2FA", "OTP ", "OTP_", "otp_se", "otp se"), r"\b(?:mfa|totp|2fa|otp)[ _-]?(?:seed|secret|key)\b[^\r\n:=]{0,60}[:=][ \t]{0,3}[\"']?(?P<value>[A-Z2-7]{4}(?:[ -][A-Z2-7]{4}){2,12}|[A-Z2-7]{16,64})"),
    ("codes", ("covery code", "covery_code", "covery-code", "ackup code", "ackup_code", "ackup-code"), r"\b(?:recovery|backup)[ _-]codes?\b[^\r\n:=]{0,30}[:=][ \t]{0,3}(?P<value>[a-z0-9]{4,8}-[a-z0-9]{4,8}(?:[ ,]{1,3}[a-z0-9]{4,8}-[a-z0-9]{4,8}){0,15})"),
    ("seed", ("nemonic", "phrase"), r"\b(?:mnemonic|(?:seed|recovery|wallet)[ _-]phrase)\b[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?(?P<value>(?:[a-z]{3,9}[ ,]{1,2}){11,23}[a-z]{3,9})\b"),
    # A setting whose name says so anywhere, with a value that is made: SECRET_KEY_BASE, KEYTAB_B64, COSMOS_PRIMARY_KEY.
    ("setting", ("SECRET_", "KEYTAB", "_KEY", "PRIVATE", "TOKEN_"), rf"(?-i:(?<![A-Z0-9_]){_SUFFIX}[A-Z0-9_]{{0,60}}(?:SECRET_|KEYTAB|(?:PRIMARY|SECONDARY|MASTER|ROOT)_KEY|PRIVATE_|TOKEN_)[A-Z0-9_]{{0,40}})[\"']?[ \t]{{0,3}}[=:][ \t]{{0,3}}[\"']?(?P<value>(?=[^\s\"']{{0,80}}\d)(?=[^\s\"']{{0,80}}[A-Za-z])[A-Za-z0-9+/=_-]{{24,4000}})(?![\w./-])"),
)  # fmt: skip
