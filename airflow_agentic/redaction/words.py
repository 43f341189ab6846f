"""Words beside which a secret stands, and what stands there and is none."""

from __future__ import annotations

import re

# A stem is looked for first (a search for a fixed word is many times cheaper than a pattern); the pattern then
# reads the whole word at that place, and what must stand before it.
NAMES: tuple[tuple[str, str, str], ...] = (
    ("pass", r"pass(?:word|wd|phrase|code|wort)", ""),
    ("pass", r"pass(?![a-z])", r"(?:^|[^a-z]|store|key|ssh|root|admin|user|trust|bind|proxy|db|pg|my)\Z"),
    ("kennwort", r"kennwort", ""),
    ("mot de passe", r"mot de passe", ""),
    ("contrase", r"contrase(?:ñ|n)a", ""),
    ("senha", r"senha(?![a-z])", r"(?:^|[^a-z])\Z"),
    ("wachtwoord", r"wachtwoord", ""),
    ("lösenord", r"lösenord", ""),
    ("парол", r"пароль", ""),
    ("密码", r"密码", ""),
    ("密碼", r"密碼", ""),
    ("パスワード", r"パスワード", ""),
    ("비밀번호", r"비밀번호", ""),
    ("pwd", r"pwd", ""),
    ("pw", r"pw(?![a-z])", r"(?:^|[^a-z])\Z"),
    ("secret", r"secret", ""),
    ("token", r"token", ""),
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

# The rest of a name that the word began; nothing else may follow: `password_file`, `tokens`, `secret_name` are none.
REST = (
    r"(?:[_\-. ]?(?:access[_\-. ]?)?(?:key(?:[_\-. ]?id)?|value|id|base64|b64|hash|content|text|plain(?:text)?|string|"
    r"v?[0-9]{1,2}))?(?:[_\-](?:prod(?:uction)?|dev|stag(?:e|ing)|stg|tests?|qa|uat|live|old|new|main|primary|backup|default|[a-z]{2}[0-9]?)(?=[=\"':]))?"
)

TEMPLATE = re.compile(
    r"\*{2,}.*|x{3,}|<.*>|\{\{.*\}?\}|\{[\w.!:]{0,80}\}|\$\{?[A-Za-z_][\w.:-]*\}?|\$\(.*\)|%\(?\w+\)?s|\[?(?:secret|redacted|masked)[:\]].*",
    re.IGNORECASE | re.DOTALL,
)
"""A template, or masked already: what is no secret even where only a secret can stand."""

PLAIN = re.compile(
    r"\*{2,}.*|[x#.]{3,}|<.*>|\{\{.*\}?\}|\{[^\s{}]{0,80}\}|\$\{?[A-Za-z_][\w.:-]*\}?|\$\(.*\)|%\(?\w+\)?s?|\[?(?:secret|redacted|masked)[:\]].*|"
    r"(?:none|null|true|false|nil|undefined|empty|missing|required|invalid|expired|redacted|masked|hidden|set|unset|no|yes|"
    r"str|string|int|bytes|bool|any|optional|secretstr|not|is|was|the|for|and|or|of|to|in|on|with|wrong|incorrect|rejected|"
    r"authentication|authenticated|field|value|key|keys|token|tokens|secret|password|passwords|basic|bearer|digest|default|"
    r"sha\d+|md5|base64|utf-?8|oauth2?|bcrypt|scrypt|pbkdf2\S{0,20}|plain(?:text)?|object|type|types?|unknown|found|failed|raise|return|continue|yield|assert|encrypted)[.:,!?]?|"
    r"(?:os\.environ|os\.getenv|environ|getenv|env|conf|config|settings|self|cls|Variable|Connection|BaseHook|hook|params|kwargs|args|"
    r"var|conn|process\.env|request|response|secrets|vault|ctx|context|options|opts|data|user|row|item|obj|cfg|parser)[.\[(].*|"
    r"[A-Za-z_][\w.]*\([\w\s,.'\"=(-]*\)*|(?:Mapped|Optional|Union|list|dict|tuple|set|Sequence|Hashable|Any|SecretStr)\b.*|[A-Za-z_]+(?:\.[A-Za-z_]+)+(?:@[0-9a-f]+)?|(?-i:[A-Z][a-z]+(?: [a-z(]+){3,}\)?\.?)|0x[0-9a-f]{1,16}|\w+\{.*|-\d{1,8}|\d+(?:\.\d+){1,3}|\d{1,4}|(?:/[\w.-]{1,80}){1,20}/?|https?://[^@?]{1,300}|[a-z]{2,12}://[\w./-]{1,200}|[\-=_~^|+]{1,200}",
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
