"""A value → the ways in which it leaks: encoded, escaped, quoted, split. By name, for the tests of redaction."""

from __future__ import annotations

import base64
import codecs
import html
import json
import quopri
import shlex
from urllib.parse import quote, quote_plus


def encodings(value: str) -> dict[str, str]:
    raw, half = value.encode(), len(value) // 2
    head, tail = value[:half], value[half:]
    b64 = base64.b64encode(raw).decode()
    return {
        "plain": value,
        "url": quote(value, safe=""),
        "url twice": quote(quote(value, safe=""), safe=""),
        "url with plus": quote_plus(value),
        "percent of each byte": "".join(f"%{byte:02X}" for byte in raw),
        "percent in lower case": "".join(f"%{byte:02x}" for byte in raw),
        "json": json.dumps(value)[1:-1],
        "json in json": json.dumps(json.dumps(value))[1:-1],
        "json three deep": json.dumps(json.dumps(json.dumps(value)))[1:-1],
        "unicode escapes": "".join(f"\\u{ord(char):04x}" for char in value),
        "unicode escapes in braces": "".join(f"\\u{{{ord(char):x}}}" for char in value),
        "byte escapes": "".join(f"\\x{byte:02x}" for byte in raw),
        "octal escapes": "".join(f"\\{byte:03o}" for byte in raw),
        "base64": b64,
        "base64 without padding": b64.rstrip("="),
        "base64 for addresses": base64.urlsafe_b64encode(raw).decode(),
        "base64 at offset 1": base64.b64encode(b"x" + raw + b"tail").decode(),
        "base64 at offset 2": base64.b64encode(b"xy" + raw + b"tail").decode(),
        "base64 of user and password": base64.b64encode(b"user:" + raw).decode(),
        "base64 in lines": base64.encodebytes(b"pre:" * 20 + raw + b"post" * 10).decode(),
        "base64 in an address": quote(b64, safe=""),
        "base64 twice": base64.b64encode(b64.encode()).decode(),
        "base64 of json": base64.b64encode(json.dumps({"password": value}).encode()).decode(),
        "base64 of utf-16": base64.b64encode(value.encode("utf-16-le")).decode(),
        "base32": base64.b32encode(raw).decode(),
        "base85": base64.b85encode(raw).decode(),
        "hex": raw.hex(),
        "hex in upper case": raw.hex().upper(),
        "hex with colons": raw.hex(":"),
        "numbers": str(list(raw)),
        "reversed": value[::-1],
        "rot13": codecs.encode(value, "rot13"),
        "html": html.escape(value),
        "html twice": html.escape(html.escape(value)),
        "decimal entities": "".join(f"&#{ord(char)};" for char in value),
        "hexadecimal entities": "".join(f"&#x{ord(char):x};" for char in value),
        "shell quoted": shlex.quote(value),
        "shell escaped": "".join(char if char.isalnum() else f"\\{char}" for char in value),
        "split over lines": f"{head}\n{tail}",
        "split by an escaped line break": f"{head}\\n{tail}",
        "split and indented": f"{head}\n    {tail}",
        "split by a carriage return": f"{head}\r\n{tail}",
        "split and continued": f"{head}\\\n{tail}",
        "yaml folded": f">-\n  {head}\n  {tail}",
        "literals beside each other": f'"{head}" "{tail}"',
        "literals added": f"'{head}' + '{tail}'",
        "repr": repr(value),
        "repr of bytes": repr(raw),
        "repr of repr": repr(repr(value)),
        "quoted printable": quopri.encodestring(raw).decode(),
        "sql": "'" + value.replace("'", "''") + "'",
        "csv": '"' + value.replace('"', '""') + '"',
        "with blanks between": " ".join(value.replace(" ", "")),
        "as a list": str(list(value)),
        "with zero-width spaces": "\u200b".join(value),
        "with terminal colours": f"{value[:3]}\x1b[31m{value[3:]}\x1b[0m",
        "upper case": value.upper(),
        "lower case": value.lower(),
    }
