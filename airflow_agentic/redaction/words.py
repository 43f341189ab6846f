"""Words beside which a secret stands, and what stands there and is none."""

from __future__ import annotations

import re

# A stem is looked for first (a search for a fixed word is many times cheaper than a pattern); the pattern then
# reads the whole word at that place, and what must stand before it.
_ENGLISH: tuple[tuple[str, str, str], ...] = (
    ("pass", r"pass(?:word|wd|phrase|code|wort)", ""),
    ("pass", r"pass(?![a-z])", r"(?<!by)(?<!com)(?<!tres)(?<!sur)(?<!band)(?<!low)(?<!high)(?<!multi)(?<!under)(?<!over)\Z"),
    ("pwd", r"pwd", ""),
    ("pw", r"pw(?![a-z])", r"(?:^|[^a-z]|root|bind|db|user|admin|ftp|ssl)\Z"),
    ("psk", r"psk(?![a-z])", r"(?:^|[^a-z])\Z"),
    ("jwt", r"jwt(?![a-z])", r"(?:^|[^a-z])\Z"),
    ("community", r"community[_-]?string", ""),
    ("masterauth", r"masterauth", ""),
    ("authtok", r"authtok(?![a-z])", ""),
    ("secret", r"secret", ""),
    ("token", r"token", r"(?<!page)(?<!next)(?<!sync)(?<!skip)(?<!continuation)(?<!pagination)(?<!page_)(?<!next_)(?<!continuation_)\Z"),
    (
        "key",
        r"key",
        r"(?:api|secret|access|private|account|storage|shared|routing|subscription|licen[sc]e|signing|master|fernet|"
        r"encryption|decryption|client|consumer|application|integration|deploy|service|ssh|ingest(?:ion)?|insert|query|"
        r"auth|hmac|crypt|personal|publishable|security|session|webhook|write|admin|user|rest|tokens?|app|aes|rsa|pgp|"
        r"jwt|aws|sas|credential)[_\-. ]?(?:access[_\-. ]?)?\Z",
    ),
    ("auth", r"authorization", ""),
    ("auth", r"auth(?![a-z])", r"[_\-]\Z"),
    ("cred", r"cred(?:ential)?s?(?![a-z])", ""),
    ("dsn", r"dsn(?![a-z])", r"(?:^|[^a-z])\Z"),
    ("cookie", r"cookie", ""),
    ("session", r"sessionid", ""),
    ("webhook", r"webhook[_-]?(?:url|uri|token)", ""),
    ("bearer", r"bearer", ""),
    ("keyfile", r"keyfile[_-]?dict", ""),
    ("jaas", r"jaas", ""),
    ("connection", r"connection[_\- ]?string", ""),
)  # fmt: skip

# A stem with a letter that the text's alphabet has not costs nothing: such a search ends at once.
_ELSEWHERE: tuple[tuple[str, str], ...] = (
    ("kennw", r"kennw(?:ort|örter)(?:e?s)?"), ("mot de passe", r"mot de passe"), ("contrase", r"contrase(?:ñ|n|ny)a"),
    ("senha", r"senhas?(?![a-z])"), ("palavra-passe", r"palavra-passe"), ("parola", r"parola(?:sı|nız| d['’]ordine)?(?![a-z])"),
    ("wachtwoord", r"wachtwoord(?:en)?"), ("lösenord", r"lösenord(?:et)?"), ("adgangskode", r"adgangskoden?"),
    ("kodeord", r"kodeord(?:et)?"), ("passord", r"passord(?:et)?"), ("lykilorð", r"lykilorð\w?"), ("salasana", r"salasana\w{0,3}"),
    ("parool", r"parooli?"), ("slaptažod", r"slaptažod\w{1,3}"), ("hasł", r"hasł(?:o|a|em|u)"), ("haslo", r"haslo(?![a-z])"),
    ("hesl", r"hesl(?:o|a|em)(?![a-z])"), ("geslo", r"geslo(?![a-z])"), ("lozink", r"lozink\w{1,2}"), ("jelsz", r"jelsz(?:ó|o|av)\w{0,4}"),
    ("şifre", r"şifre\w{0,5}"), ("sifre", r"sifre(?:si|niz)?(?![a-z])"), ("парол", r"парол\w{1,4}"), ("лозинк", r"лозинк\w"),
    ("κωδικ", r"κωδικ(?:ός|οσ|ού|ό)(?: πρόσβασης)?"), ("סיסמ", r"סיסמ\w"), ("كلمة", r"كلمة (?:ال)?(?:مرور|سر)"), ("رمز عبور", r"رمز عبور"),
    ("पासवर्ड", r"पासवर्ड"), ("รหัสผ่าน", r"รหัสผ่าน"), ("mật khẩu", r"mật khẩu"), ("kata sandi", r"kata sandi"), ("kata laluan", r"kata laluan"),
    ("密码", r"密码"), ("密碼", r"密碼"), ("口令", r"口令"), ("パスワード", r"パスワード"), ("暗証番号", r"暗証番号"), ("비밀번호", r"비밀번호"), ("암호", r"암호"),
)  # fmt: skip
NAMES = (*_ENGLISH, *((stem, name, "") for stem, name in _ELSEWHERE))
ELSEWHERE = re.compile("|".join([r"passwort", *(name for _, name in _ELSEWHERE)]))
"""A password's name in another language: what stands between it and its value is no English."""

# The rest of a name that the word began; nothing else may follow: `password_file`, `tokens`, `secret_name` are none.
REST = (
    r"(?:[_\-. ]?(?:access[_\-. ]?)?(?:key(?:[_\-. ]?id)?|value|id|base64|b64|hex|pem|enc|raw|hash|content|text|plain(?:text)?|string|"
    r"v?[0-9]{1,2}))?(?:[_\-](?:prod(?:uction)?|dev|stag(?:e|ing)|stg|tests?|qa|uat|live|old|new|main|primary|backup|default|[a-z]{2}[0-9]?)(?=[=\"':]))?"
)

TEMPLATE = re.compile(
    r"\*{2,}.*|x{3,}|<.*>|\{\{.*\}?\}|\{[\w.!:]{0,80}\}|\$\{?[A-Za-z_][\w.:-]*\}?|\$\(.*\)|%\(?\w+\)?s|\[?(?:secret|redacted|masked)[:\]].*",
    re.IGNORECASE | re.DOTALL,
)
"""A template, or masked already: what is no secret even where only a secret can stand."""

PLAIN = re.compile(
    r"\*{2,}.*|[x#.]{3,}|<.*>|\{\{.*\}?\}|\{[^\s{}]{0,80}\}|\$\{?[A-Za-z_][\w.:-]*\}?|\$\(.*|%\(?\w+\)?s?|[\[(]?(?:secret|redacted|masked)[:\])].*|[\[(](?:hidden|filtered|omitted|removed|sensitive|protected|empty|none|unset)[^\r\n]{0,20}|"
    # A tag of YAML, a variable of Windows, a placeholder in capitals, a cmdlet, a file below a home.
    r"!(?:vault|\w{0,20}(?:secret|env|ref|file|sub|getatt|reference|encrypted))\w{0,20}\b.*|%[a-z_]\w{0,60}%|(?-i:[A-Z]{2,20}(?:_[A-Z]{1,20}){1,6}(?:_?\d{1,2})?|(?:Get|New|Read|ConvertTo|ConvertFrom|Import|Invoke|Set|Add|Test)-[A-Z][A-Za-z]{2,40})|"
    r"(?:~|\$\w{1,40}|\$?\{[\w.]{1,40}\}|%\w{1,40}%|[a-z]:)(?:[/\\]{1,2}[\w.-]{1,60}){1,12}|"
    r"(?:none|null|true|false|nil|undefined|empty|missing|required|invalid|expired|redacted|masked|hidden|set|unset|no|yes|"
    r"str|string|int|bytes|bool|any|optional|secretstr|not|is|was|the|for|and|or|of|to|in|on|with|wrong|incorrect|rejected|"
    r"authentication|authenticated|field|value|key|keys|token|tokens|secret|password|passwords|basic|bearer|digest|default|"
    r"sha\d+|md5|base64|utf-?8|oauth2?|bcrypt|scrypt|pbkdf2\S{0,20}|plain(?:text)?|object|type|types?|unknown|found|failed|raise|return|continue|yield|assert|encrypted|enabled|disabled|rotated|active|inactive|revoked|present|absent|changed|updated|created|deleted)[.:,!?]?|"
    r"(?:os\.environ|os\.getenv|environ|getenv|env|conf|config|settings|self|cls|Variable|Connection|BaseHook|hook|params|kwargs|args|"
    r"var|conn|process\.env|request|response|secrets|vault|ctx|context|options|opts|data|user|row|item|obj|cfg|parser)[.\[(].*|"
    r"[A-Za-z_][\w.]*\([\w\s,.'\"=(-]*\)*|(?:Mapped|Optional|Union|list|dict|tuple|set|Sequence|Hashable|Any|SecretStr)\b.*|[A-Za-z_]+(?:\.[A-Za-z_]+)+(?:@[0-9a-f]+)?|(?-i:[A-Z][a-z]+(?: [a-z(]+){3,}\)?\.?)|0x[0-9a-f]{1,16}|arn:aws[\w-]*:.*|\w+\{.*|-\d{1,8}|\d+(?:\.\d+){1,3}|\d{1,4}|\.{0,2}(?:/[\w.-]{1,80}){1,20}/?|(?-i:[a-z][a-z_.-]{0,40}(?:/[a-z][a-z0-9_.-]{0,40}){1,8})|https?://[^@?]{1,300}|[a-z]{2,12}://[\w./-]{1,200}|[\-=_~^|+:;,./@]{1,200}|"
    # Code: a generic type, a type's name, what stands at an index, a call upon such a thing, a template behind a colon.
    r"(?-i:[A-Z][A-Za-z]{2,40}\[[A-Za-z, .|]*|(?:[A-Z][a-z]{2,20}){1,4}(?:Token|Secret|Password|Key|Credentials?|Auth)|[a-z_]{3,40}\[[\w'\"-]{0,40})|"
    r"[A-Za-z_][\w.]{2,60}\([A-Za-z_][\w.]{0,60}\[.*|[:@/]\{[\w.!]{1,60}\}|user_?name|user_?id|not_?(?:set|given|provided)",
    re.IGNORECASE | re.DOTALL,
)
"""A template, a reference, a word of a sentence, a path, or masked already."""

IDENTIFIERS = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})"
    r"|[0-9a-f]+(?:-[0-9a-f]+)*|\d[\d.:TZ+_-]*",
    re.IGNORECASE,
)
"""Ids, digests, times and numbers: a diagnosis needs them, so only a name with ``=`` or ``:`` makes one a secret."""

SECRET_WORDS = frozenset(
    ["apikey", "token", "secret", "password", "passwd", "auth", "authorization", "credential", "credentials",
     "bearer", "pat", "accesskey", "secretkey", "privatekey", "licensekey", "passphrase", "apitoken", "oauth"]
)  # fmt: skip
"""As they stand alone in lower case; ``api key``, ``access_key`` and the like are joined before they are compared."""

NOT_SECRET_WORDS = frozenset(
    ["id", "ids", "commit", "sha", "digest", "etag", "uuid", "md5", "request", "fingerprint", "hash", "checksum", "version",
     "trace", "span", "run", "dag", "task", "file", "path", "query", "job", "session", "pod", "container", "image", "host",
     "hostname", "node", "worker", "table", "column", "bucket", "object", "branch", "tag", "revision", "build"]
)  # fmt: skip
"""One of these as the last word before a token says what the token is."""
