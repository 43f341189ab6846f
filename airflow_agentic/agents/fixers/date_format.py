"""A time is written in a new form; the code parses one literal form → parse the forms that are known, one meaning.

What the code gets stays what it was: a naive time stays naive, in UTC when the new text carries an offset; a form
whose day and month cannot be told apart is not guessed. Works on Python 3.10, whose ``fromisoformat`` knows no ``Z``.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.field_moves import field_moves
from airflow_agentic.agents.mending.parse_sites import near_files
from airflow_agentic.agents.mending.syntax import Code, compiles, fresh_name, import_line, literal, parse
from airflow_agentic.agents.mending.time_forms import DATES, EPOCHS, ISO, around, of_pattern, of_value

_REMAINS = re.compile(r"unconverted data remains: ?(?P<rest>.+)$", re.MULTILINE)
_NO_MATCH = re.compile(
    r"time data ['\"](?P<value>[^'\"]{4,60})['\"] (?:does not|doesn't) match format ['\"](?P<format>[^'\"]+)['\"]"
)
_ISO = re.compile(r"Invalid isoformat string: ['\"](?P<value>[^'\"]{4,60})['\"]")
_NUMBER = re.compile(r"strptime\(\) argument 1 must be str, not (?:int|float)|fromisoformat: argument must be str")
_CUT_OFFSET = re.compile(r"[+-]\d\d:\d(?=['\"]|$)", re.MULTILINE)
"""What is left of an offset where the code cuts off the last character as a Z."""
_OFFSET = re.compile(r"can't (?:compare|subtract) offset-naive and offset-aware")
_TIME = re.compile(r"9999-99|99:99|99[/.]99[/.]9|^9{8}$")


def fix(bench: Bench) -> Fix | None:
    """Return the change of the parse call that failed, for the new form that the error and the data show."""
    said = " ".join(bench.messages)
    if bench.edits():
        return _follow(bench)
    offset = bool(_OFFSET.search(said))
    if not (offset or any(p.search(said) for p in (_REMAINS, _NO_MATCH, _ISO, _NUMBER))):
        return None
    for path, frame in bench.own()[:2]:
        code = with_constants(bench, parse(bench.text(path)))
        if code is None or not bench.editable(path):
            continue
        scope = code.scope_at(frame.line)
        calls = [
            n
            for n in ast.walk(scope if offset else code.tree)
            if isinstance(n, ast.Call) and _parses(n) and (offset or n.lineno <= frame.line <= (n.end_lineno or 0))
        ]
        if len(calls) == 1:
            return _fix(bench, code, path, calls[0], said)
    return _unseen(bench, said) if "validation error" in said else None


def _unseen(bench: Bench, said: str) -> Fix | None:
    """A validator's own frame is in no traceback: the one file near the failure that parses the form that it tells."""
    told = _NO_MATCH.search(said)
    form = told["format"] if told else ISO if _ISO.search(said) else None
    found = [
        (path, code, call)
        for path in near_files(bench)
        if bench.editable(path) and (code := with_constants(bench, parse(bench.text(path)))) is not None
        for call in ast.walk(code.tree)
        if isinstance(call, ast.Call) and _parses(call) and _old_format(call) == form
    ]
    if form is None or len({(path, code.source(call.func)) for path, code, call in found}) != 1:
        return None
    path, code, call = found[0]
    return _fix(bench, code, path, call, said)


def _follow(bench: Bench) -> Fix | None:
    """After a rename: the same field may be written in another form as well, and would fail next."""
    for move in field_moves(bench):
        shape = bench.failing(move.dataset)
        forms = {f for field in (shape.fields if shape else ()) if field.path == move.now for f in field.formats}
        new = {of_pattern(form) for form in forms}
        for path in {edit.path for edit in bench.edits()}:
            code = with_constants(bench, parse(bench.text(path)))
            calls = (
                [
                    n
                    for n in ast.walk(code.tree)
                    if isinstance(n, ast.Call)
                    and _parses(n)
                    and any(literal(part) == move.old[-1] for part in ast.walk(n.args[0]))
                ]
                if code
                else []
            )
            if (
                code
                and len(calls) == 1
                and len(new) == 1
                and (formats := new.pop())
                and set(formats) - {_old_format(calls[0])}
            ):
                return _change(bench, code, path, calls[0], formats)
    return None


def _fix(bench: Bench, code: Code, path: str, call: ast.Call, said: str) -> Fix | None:
    if _CUT_OFFSET.search(said) and _whole(call.args[0]) is call.args[0]:
        return None  # Cut off before it came here.
    epoch = _epoch(bench, call)
    if epoch is not None:
        return _change(bench, code, path, call, (), epoch)
    return _change(bench, code, path, call, _new_formats(bench, said, _old_format(call)))


def _epoch(bench: Bench, call: ast.Call) -> str | None:
    """Say in what unit since 1970 the field is now counted; None where it is not, or more than one field could be it."""
    units: set[str | None] = set()
    key = next((text for part in ast.walk(call.args[0]) if (text := literal(part)) is not None), None)
    for change in bench.changes():
        leaf = change.path.rsplit(".", 1)[-1]
        good, bad = bench.good(change.dataset), bench.failing(change.dataset)
        if change.kind != "retyped" or key not in (None, leaf) or good is None or bad is None:
            continue
        was = next((f for f in good.fields if f.path == change.path), None)
        now = next((f for f in bad.fields if f.path == change.path), None)
        if (
            was
            and now
            and now.low
            and now.high
            and any(_TIME.search(f) for f in was.formats)
            and set(now.types) <= {"integer", "number"}
        ):
            units.add(next((u for u, (_, low, high) in EPOCHS.items() if low <= now.low <= now.high < high), None))
    return units.pop() if len(units) == 1 else None


def _good_is_aware(bench: Bench, call: ast.Call) -> bool:
    """Say whether the field carried an offset all along."""
    key = next((text for part in ast.walk(call.args[0]) if (text := literal(part)) is not None), None)
    forms = [
        f
        for s in bench.dossier.shapes
        if s.role == "good"
        for field in s.fields
        if field.path.rsplit(".", 1)[-1] == key
        for f in field.formats
    ]
    return any(re.search(r"99:99.*(?:A|[+-]99:?99)$", form) for form in forms)


def _change(
    bench: Bench, code: Code, path: str, call: ast.Call, new: tuple[str, ...], epoch: str | None = None
) -> Fix | None:
    function = code.source(call.func)
    old = _old_format(call)
    if old is None or not (new or epoch) or (epoch and set(old) <= set("%YmdHMS")):
        return None
    if old.endswith("Z") and any("%z" in form for form in new):
        new = tuple(form for form in new if "%z" in form)  # A time that has always said its zone is not taken without.
    formats = tuple(dict.fromkeys((old, *new)))
    cut = any(_whole(n.args[0]) is not n.args[0] for n in _like(code, call))
    aware = "%z" in old or (old == ISO and not cut and _good_is_aware(bench, call))
    if new and aware and "%z" not in new[-1]:
        return None
    if old != ISO and "%H" not in old and any("%H" in f for f in new) and not _only_date_used(code, call):
        return None
    same = _like(code, call)
    name = fresh_name(code, "parse_time")
    function = function.rsplit(".", 1)[0]
    helper = _helper(name, function, formats, keeps_zone=aware, epoch=epoch)
    at = import_line(code)
    if epoch:
        helper = f"from datetime import timezone as {_UTC}\n{helper}"
    zoned = any("%z" in form for form in new)
    taken = [_whole(n.args[0]) if zoned else n.args[0] for n in same]
    pieces = [(code.span(n), f"{name}({code.source(text)})") for n, text in zip(same, taken, strict=True)]
    if code.text[at : at + 2].strip():
        helper += "\n\n"
    elif not code.text[at:].startswith(("\n\n", "\r\n\r\n")):
        helper += "\n"
    text = code.splice([*pieces, ((at, at), helper.replace("\n", code.newline))])
    if not compiles(text):
        return None
    return Fix(
        texts=((path, text),),
        file=path,
        explanation=f"Times now come as {_words(bench)}; the code parsed `{old}` only. It now takes both, and turns an offset into "
        "UTC so that what follows gets what it always got.",
        summary="Parse the time in its new form as well",
    )


def _like(code: Code, call: ast.Call) -> list[ast.Call]:
    """Return the calls that parse the same form the same way, this one among them."""
    old, function = _old_format(call), code.source(call.func)
    return [
        n
        for n in ast.walk(code.tree)
        if _parses(n) and isinstance(n, ast.Call) and _old_format(n) == old and code.source(n.func) == function
    ]


def _whole(text: ast.expr) -> ast.expr:
    """Return ``x`` for ``x[:-1]``, ``x.rstrip("Z")`` and the like: where an offset may stand, no Z is cut off blindly."""
    cut = text.slice if isinstance(text, ast.Subscript) else None
    if isinstance(text, ast.Subscript) and isinstance(cut, ast.Slice) and cut.lower is cut.step is None:
        return text.value if isinstance(cut.upper, ast.UnaryOp) and ast.unparse(cut.upper) == "-1" else text
    if not (isinstance(text, ast.Call) and isinstance(text.func, ast.Attribute) and not text.keywords):
        return text
    said = [literal(part) for part in text.args]
    trims = said == ["Z"] and text.func.attr in {"rstrip", "strip", "removesuffix"}
    return text.func.value if trims or (text.func.attr == "replace" and said == ["Z", ""]) else text


def with_constants(bench: Bench, code: Code | None) -> Code | None:
    """Put the text of a constant where a parse call names it; positions stay, so the file's own text does too."""
    for node in ast.walk(code.tree) if code else ():
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "strptime"):
            continue
        form = node.args[1] if len(node.args) == 2 else None
        if isinstance(form, (ast.Name, ast.Attribute)):
            name = form.id if isinstance(form, ast.Name) else form.attr
            texts = _constant(code, name) or {
                t for p in bench.python_files() for t in _constant(parse(bench.text(p)), name)
            }
            if len(texts) == 1:
                node.args[1] = ast.copy_location(ast.Constant(value=texts.pop()), form)
    return code


def _constant(code: Code | None, name: str) -> set[str]:
    if code is None or name not in code.text:
        return set()
    return {
        text
        for node in ast.walk(code.tree)
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id == name and (text := literal(node.value)) and "%" in text
    }


def _parses(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return False
    if node.func.attr == "strptime":
        return len(node.args) == 2 and literal(node.args[1]) is not None and not node.keywords
    return node.func.attr == "fromisoformat" and len(node.args) == 1


def _old_format(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    return literal(node.args[1]) if len(node.args) == 2 else ISO


def _new_formats(bench: Bench, said: str, old: str | None) -> tuple[str, ...]:
    """The forms that the data shows; for ISO 8601 also those that differ only in fraction or offset."""
    if old is None:
        return ()
    if _OFFSET.search(said):
        zoned = any(c.kind == "reformatted" and re.search(r"(?:A|[+-]99:?99)$", c.now) for c in bench.changes())
        return ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z") if zoned and old == ISO else ()
    match = _NO_MATCH.search(said) or _ISO.search(said)
    if match:
        return of_value(_CUT_OFFSET.sub(r"\g<0>0", match["value"]), bench.dossier.incident.logical_date)
    rest = _REMAINS.search(said)
    tail = rest["rest"].strip("'\" ") if rest else ""
    if rest and re.fullmatch(r"([.,]\d{1,9})?(Z|[+-]\d\d:?\d{1,2})?", tail):
        return around(old.removesuffix("Z"), zone=bool(re.search(r"[Z+-]", tail)) or "%z" in old)
    word = tail.upper()
    if rest and word in {"AM", "PM"} and "%H" in old and "%p" not in old:
        return (old.replace("%H", "%I") + (" %p" if rest[0].rstrip().endswith(f" {tail}") else "%p"),)
    if rest and word in {"UTC", "GMT"}:
        return (f"{old} %Z",)
    shown = _shown(bench, old)
    if rest and re.fullmatch(r"[T ]\d\d:\d\d(:\d\d)?([.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)?", rest["rest"].rstrip()):
        text = rest["rest"].rstrip()
        seconds = ":%S" if text.count(":") >= 2 and re.match(r"[T ]\d\d:\d\d:\d\d", text) else ""
        return around(f"{old}{text[0]}%H:%M{seconds}", zone=bool(re.search(r"[Z+-]", text)))
    return shown


def _shown(bench: Bench, old: str) -> tuple[str, ...]:
    found = {f for c in bench.changes() if c.kind in {"reformatted", "renamed"} for f in c.now.split(", ")}
    formats = [DATES[f] for f in sorted(found) if f in DATES]
    return tuple(formats) if len(formats) == 1 and formats[0] != old else ()


def _only_date_used(code: Code, call: ast.Call) -> bool:
    parent = code.parents.get(call)
    return isinstance(parent, ast.Attribute) and parent.attr in {"date", "strftime", "year", "month", "day"}


def _words(bench: Bench) -> str:
    shown = [c.now for c in bench.changes() if c.kind in {"reformatted", "retyped"}]
    return f"`{shown[0]}`" if shown else "a form that it does not know"


_UTC = "_timezone"


def _helper(name: str, owner: str, formats: tuple[str, ...], *, keeps_zone: bool, epoch: str | None = None) -> str:
    iso = ISO in formats
    formats = tuple(f for f in formats if f != ISO)
    listed = ", ".join(f'"{f}"' for f in formats)
    result = (
        "moment"
        if keeps_zone
        else "moment if moment.tzinfo is None else (moment - moment.utcoffset()).replace(tzinfo=None)"
    )
    meaning = (
        "" if keeps_zone or not any("%z" in f for f in formats) else "; with an offset it becomes UTC, naive as before"
    )
    body = result if iso or any("%z" in f for f in formats) else "moment"
    fraction = any("%f" in f for f in formats)
    lines = [
        "",
        "",
        f"def {name}(value):",
        f'    """Parse a time in any of the forms that the upstream has used{meaning}."""',
    ]
    if epoch:
        back = "" if keeps_zone else ".replace(tzinfo=None)"
        lines += [
            "    if isinstance(value, (int, float)) or value.isdigit():",
            f"        return {owner}.fromtimestamp(float(value) / {EPOCHS[epoch][0]}, {_UTC}.utc){back}",
        ]
    if iso and formats:
        lines += [
            "    try:",
            f"        moment = {owner}.fromisoformat(value)",
            f"        return {body}",
            "    except ValueError:",
            "        pass",
        ]
    elif iso:
        lines += [f"    moment = {owner}.fromisoformat(value)", f"    return {body}"]
    lines += (
        [
            '    whole, dot, fraction = value.partition(".")',
            '    digits = fraction[: len(fraction) - len(fraction.lstrip("0123456789"))]',
            "    value = whole + dot + digits[:6] + fraction[len(digits):]",
        ]
        if fraction
        else []
    )
    return "\n".join([*lines, *_loop(owner, formats, listed, body), ""])


def _loop(owner: str, formats: tuple[str, ...], listed: str, body: str) -> list[str]:
    if not formats:
        return []
    return [
        f"    for form in ({listed},):"
        if len(listed) < 100
        else "    for form in (\n        " + ",\n        ".join(f'"{f}"' for f in formats) + ",\n    ):",
        "        try:",
        f"            moment = {owner}.strptime(value, form)",
        "        except ValueError:",
        "            continue",
        f"        return {body}",
        '    raise ValueError(f"time data {value!r} has none of the known forms")',
    ]
