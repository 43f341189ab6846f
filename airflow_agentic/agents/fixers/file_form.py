"""The same records come in a file of another form → open or split it as it is, in either form.

A byte order mark, another encoding, gzip, another delimiter, comment lines before the header. Certain means: the
landed files differ in that and in no field, and one call near the failure opens (or splits) them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.number_style import number_style
from airflow_agentic.agents.mending.parse_sites import Found, Helper, call_site, helper, is_csv_reader, with_helper
from airflow_agentic.agents.mending.syntax import Code, compiles, fresh_name, is_pure, literal

_ENCODING = '''
def {name}(path):
    """Return the encoding of a text file: UTF-8, or Windows-1252 as the upstream writes it at times."""
    with open(path, "rb") as raw:
        try:
            raw.read().decode("utf-8")
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"
'''
ENCODING_OF = '''
def {name}(path):
    """Return the encoding of a text file: UTF-8, or UTF-16 where its first bytes say so."""
    with open(path, "rb") as raw:
        return "utf-16" if raw.read(2) in (b"\\xff\\xfe", b"\\xfe\\xff") else "utf-8"
'''
_OPENER = '''
def {name}(path, **how):
    """Open a text file that may be packed with gzip."""
    with open(path, "rb") as raw:
        packed = raw.read(2) == b"\\x1f\\x8b"
    return gzip.open(path, "rt", **how) if packed else open(path, **how)
'''
_DELIMITER = '''
def {name}(feed):
    """Return the delimiter that the header of an open file is written with."""
    start = feed.tell()
    header = feed.readline()
    feed.seek(start)
    return max((OLD, NEW), key=header.count)
'''
_DELIMITER_IN = '''
def {name}(path, encoding=None):
    """Return the delimiter that the header of a file is written with."""
    with open(path, encoding=encoding) as feed:
        header = feed.readline()
    return max((OLD, NEW), key=header.count)
'''
_FORM_IN = '''
def {name}(path, encoding=None):
    """Return how pandas is to read a file: the delimiter of its header and, with that, how numbers are written."""
    with open(path, encoding=encoding) as feed:
        header = feed.readline()
    return FORM if header.count(NEW) > header.count(OLD) else {}
'''
_LINES = '''
def {name}(feed):
    """Leave out the comment lines that may stand before the header."""
    return (line for line in feed if not line.startswith("#"))
'''


def fix(bench: Bench) -> Fix | None:
    """Return the change of the one call that takes the file as it was."""
    changes = [c for c in bench.changes() if c.kind == "form"]
    others = {c.dataset for c in bench.changes() if c.kind in {"renamed", "moved", "removed"}}
    if len(changes) != 1 or changes[0].dataset in others:
        return None
    good, failing = bench.good(changes[0].dataset), bench.failing(changes[0].dataset)
    new = [f for f in (failing.form if failing else ()) if f not in (good.form if good else ())]
    if len(new) != 1 or not _is_tripped_over(bench, new[0]):
        return None
    kind, _, mark = new[0].partition(" ")
    mender = _MENDERS.get(kind)
    wanted = is_csv_reader if kind in {"delimiter", "comment"} else opens
    site = call_site(bench, changes[0].dataset, wanted) if mender else None
    text = mender(site, mark) if mender and site else None
    if site is None and kind in {"delimiter", "windows-1252"}:
        site = call_site(bench, changes[0].dataset, _is_frame)
        text = _frame(bench, changes[0].dataset, site, mark if kind == "delimiter" else "") if site else None
    if site is None or text is None or not compiles(text):
        return None
    return Fix(
        texts=((site[0], text),),
        file=site[0],
        summary=f"Read the file in its new form as well: {new[0]}"[:100],
        fields=(),
        explanation=f"{changes[0].dataset} is now written otherwise ({new[0]}); its fields are the same. The code takes both forms.",
    )


def _is_tripped_over(bench: Bench, form: str) -> bool:
    """Say whether the failure is one that this form gives."""
    said = " ".join(bench.messages)
    if form in {"gzip", "windows-1252", "utf-16"}:
        return bool(
            re.search(r"UnicodeDecodeError|JSONDecodeError|invalid start byte|Expecting value|line contains NUL", said)
        )
    return bool(
        re.search(
            r"KeyError|missing|not found|required|JSONDecodeError|BOM|NoneType|not in list|LookupError|passed names|Usecols|"
            r"Error tokenizing data",
            said,
            re.IGNORECASE,
        )
    )


def opens(node: ast.Call, code: Code) -> bool:
    """``open(path)`` or ``path.open()`` or ``path.read_text()`` for reading text."""
    if not (isinstance(node.func, ast.Name) and node.func.id == "open") and not (
        isinstance(node.func, ast.Attribute)
        and node.func.attr in {"open", "read_text"}
        and _root(node.func) not in {"gzip", "os", "io"}
    ):
        return False
    place = 1 if isinstance(node.func, ast.Name) else 0
    modes = [literal(a) for a in node.args[place : place + 1]] + [
        literal(k.value) for k in node.keywords if k.arg == "mode"
    ]
    if isinstance(node.func, ast.Attribute) and node.func.attr == "read_text":
        return not node.args
    return all(mode is not None and not set(mode) & set("wax+b") for mode in modes)


def _is_frame(node: ast.Call, code: Code) -> bool:
    return bool(node.args) and code.source(node.func).rsplit(".", 1)[-1] == "read_csv"


def _frame(bench: Bench, dataset: str, site: Found, mark: str) -> str | None:
    """``pd.read_csv(path)``: pandas takes a delimiter and an encoding, and guesses neither; no mark is an encoding."""
    _, code, call = site
    given = {keyword.arg for keyword in call.keywords}
    texts = [c.path for c in bench.changes() if c.dataset == dataset and c.kind == "retyped" and "string" in c.now]
    if given & {None, "engine", "encoding"} or (mark and given & {"sep", "delimiter"}):
        return None
    if mark and texts:
        return None if given & {"decimal", "thousands"} else _numbered(bench, dataset, texts, site, mark)
    if mark:
        known = helper(
            code, "delimiter_in", _DELIMITER_IN.replace("OLD", '","').replace("NEW", f'"{mark}"'.replace("\t", "\\t"))
        )
        name = "sep"
    else:
        known, name = helper(code, "encoding_of", _ENCODING), "encoding"
    pieces, path = _path(code, call)
    return with_helper(code, [*pieces, _with_keyword(code, call, name, f"{known.name}({path})")], known)


def _numbered(bench: Bench, dataset: str, columns: list[str], site: Found, mark: str) -> str | None:
    """With the delimiter the decimal sign has changed: one file is written in one way, so all its numbers tell it."""
    _, code, call = site
    now = {f.path: f for s in [bench.failing(dataset)] if s for f in s.fields}
    style = number_style(tuple(dict.fromkeys(form for path in columns for form in now[path].formats)))
    if style is None or style.sign or style.decimal != "," or style.group not in {"", ".", " "}:
        return None
    others = [f for path, field in now.items() if path not in columns for f in field.formats]
    if style.group and any(style.group in form and re.fullmatch(r"[-9+. ]+", form) for form in others):
        return None  # A day like 31.10.2026 would be read as a number.
    form = {"sep": mark, "decimal": ",", **({"thousands": style.group} if style.group else {})}
    written = "{" + ", ".join(f'"{k}": "{v}"'.replace("\t", "\\t") for k, v in form.items()) + "}"
    source = _FORM_IN.replace("FORM", written).replace("OLD", '","').replace("NEW", f'"{mark}"'.replace("\t", "\\t"))
    known = helper(code, "form_in", source)
    pieces, path = _path(code, call)
    end = code.span(call)[1] - 1
    comma = "" if code.text[:end].rstrip().endswith(",") else ", "
    return with_helper(code, [*pieces, ((end, end), f"{comma}**{known.name}({path})")], known)


def _root(node: ast.Attribute) -> str:
    return node.value.id if isinstance(node.value, ast.Name) else ""


def _with_keyword(code: Code, call: ast.Call, name: str, value: str) -> tuple[tuple[int, int], str]:
    """Return the piece that sets a keyword of a call, whether it is there or not."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return code.span(keyword.value), value
    end = code.span(call)[1] - 1
    given = call.args or call.keywords
    inner = code.text[code.span(call.func)[1] + 1 : end].rstrip()
    comma = "" if not given or inner.endswith(",") else ", "
    return (end, end), f"{comma}{name}={value}"


def _mark(site: Found, _mark_text: str) -> str | None:
    _, code, call = site
    return code.splice([_with_keyword(code, call, "encoding", '"utf-8-sig"')])


def _encoding(site: Found, _mark_text: str) -> str | None:
    return with_encoding(site, _ENCODING)


def with_encoding(site: Found, source: str) -> str:
    """Return the file with the call's ``encoding`` given by a helper that looks at the file itself."""
    _, code, call = site
    known = helper(code, "encoding_of", source)
    pieces, path = _path(code, call)
    return with_helper(code, [*pieces, _with_keyword(code, call, "encoding", f"{known.name}({path})")], known)


def _gzip(site: Found, _mark_text: str) -> str | None:
    _, code, call = site
    if not isinstance(call.func, ast.Name) or len(call.args) > 2:
        return None
    opener = Helper(name=fresh_name(code, "open_text"), text=_OPENER)
    pieces = [(code.span(call.func), opener.name)]
    if len(call.args) == 2:
        pieces.append(((code.span(call.args[0])[1], code.span(call.args[1])[1]), ""))
    text = with_helper(code, pieces, opener)
    if re.search(r"^import gzip\b", text, re.MULTILINE):
        return text
    start = next(
        (
            n
            for n in code.tree.body
            if isinstance(n, (ast.Import, ast.ImportFrom)) and getattr(n, "module", "") != "__future__"
        ),
        None,
    )
    at = code.line_start(start.lineno) if start else 0
    return text[:at] + "import gzip" + code.newline + text[at:]


def _delimiter(site: Found, mark: str) -> str | None:
    _, code, call = site
    feed = call.args[0]
    old = next((code.source(k.value) for k in call.keywords if k.arg == "delimiter"), '","')
    if not is_pure(feed) or not isinstance(feed, ast.Name):
        return None
    known = helper(code, "delimiter_of", _DELIMITER.replace("OLD", old).replace("NEW", repr(mark).replace("'", '"')))
    return with_helper(code, [_with_keyword(code, call, "delimiter", f"{known.name}({code.source(feed)})")], known)


def _comments(site: Found, _mark_text: str) -> str | None:
    _, code, call = site
    known = helper(code, "without_comments", _LINES)
    return with_helper(code, [(code.span(call.args[0]), f"{known.name}({code.source(call.args[0])})")], known)


def _path(code: Code, call: ast.Call) -> tuple[list[tuple[tuple[int, int], str]], str]:
    """Return the path's expression, bound to a name where it may not be evaluated twice."""
    by_path = isinstance(call.func, ast.Attribute) and call.func.attr in {"open", "read_text"}
    node = call.func.value if by_path else call.args[0]  # type: ignore[attr-defined]
    source = code.source(node)
    if is_pure(node):
        return [], source
    name = fresh_name(code, "source_path")
    return [(code.span(node), f"({name} := {source})")], name


_MENDERS: dict[str, Callable[[Found, str], str | None]] = {
    "byte": _mark,
    "windows-1252": _encoding,
    "gzip": _gzip,
    "delimiter": _delimiter,
    "comment": _comments,
}
