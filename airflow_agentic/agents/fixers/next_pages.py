"""The upstream gives a day in pages now → follow them to the last one, where the code reads the first.

Certain means: what is around the records names a next page (an address, a path, or a token whose parameter its own
name tells) or the number of this page and of all, which it did not the day before; there are fewer records than
before, or than it counts itself; and one call reads the data set from one address. No other host is ever asked, no
path leaves its root, and pages that do not end are an error. Where the list itself was the document, and the code fails
because it is an object now, the list is taken out of it too, and a link to a page is enough to tell of one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_agentic.agents.fixers.envelope import PART, SAYS, list_path, unwrapped
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.more_pages import COUNTS, PAGES
from airflow_agentic.agents.mending.page_reads import PageRead, page_read
from airflow_agentic.agents.mending.parse_sites import Helper, helper, parse_site, with_helper
from airflow_agentic.agents.mending.syntax import compiles
from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.shape_changes import name_tokens
from airflow_agentic.shapes import fold, pattern

_NAME = re.compile(r"[\w@.\-]+")
_LINKS = {"href", "url", "link", "uri", "page", "path", "file"}
_TOKENS = {"cursor", "token", "continuation", "marker", "offset"}
_PAGE = {("page",), ("current", "page"), ("page", "number"), ("page", "no")}
_COUNTED = {"numbers", "offsets"}
_BY_PARAMETER = {"token", *_COUNTED}
_TEXT = '''
def {name}(document, first, read):
    """Return the document of the address *first* with the records of all pages; the last one names no next."""
    page, seen = document, {first}
    while isinstance(page, dict) and FOUND:
        following = FOUND
        address = NEXT
        if address in seen or len(seen) > 10_000CHECK:
            raise ValueError("The pages of an answer do not end, or lead elsewhere")
        seen.add(address)
        page = read(address)
        documentRECORDS.extend(pageRECORDS)
    return document
'''
_ASKED = '''
def {name}(document, first, read):
    """Return the document of the address *first* with the records of all pages; the last one names no next."""
    page, seen = document, {first}
    while isinstance(page, dict) and FOUND:
        address = urljoin(first, FOUND)
        if "?" in first and "?" not in address:
            address += "?" + first.partition("?")[2]
        if address in seen or len(seen) > 10_000 or urlsplit(address)[:2] != urlsplit(first)[:2]:
            raise ValueError("The pages of an answer do not end, or lead to another host")
        seen.add(address)
        page = read(address)
        documentRECORDS.extend(pageRECORDS)
    return document
'''
_NUMBERED = '''
def {name}(document, first, read):
    """Return the document of the address *first* with the records of all pages, which are numbered from one."""
    if not isinstance(document, dict):
        return document
    for number in range(2, min((documentPAGES) or 1, 10_000) + 1):
        page = read(f"{first}{'&' if '?' in first else '?'}PAGE={number}")
        if pageAT != number:
            raise ValueError(f"The answer to page {number} is another page")
        documentRECORDS.extend(pageRECORDS)
    return document
'''
_OFFSETS = '''
def {name}(document, first, read):
    """Return the document of the address *first* with the records of all pages, which begin at an offset."""
    if not isinstance(document, dict) or not documentRECORDS:
        return document
    step = len(documentRECORDS)
    for start in range(step, (documentPAGES) or 0, step):
        page = read(f"{first}{'&' if '?' in first else '?'}PAGE={start}")
        if pageAT != start:
            raise ValueError(f"The answer from {start} on begins elsewhere")
        documentRECORDS.extend(pageRECORDS)
    return document
'''


@dataclass(frozen=True, kw_only=True)
class _Paging:
    """How the pages of one data set name each other."""

    kind: str
    """``url`` (whole, or a path of its host), ``file`` (a name beside the first's), ``root`` (a path below where the
    data set's own begins), ``token``, ``numbers`` or ``offsets``."""
    path: str
    more: str = ""
    """The parameter of a token; the field with the number of all pages, or of all records."""


def fix(bench: Bench) -> Fix | None:
    """Return the read of what comes in pages now, one data set or several by one call, with the pages that follow."""
    found = [
        (shape.name, paging, bench.failing(shape.name + PART))
        for shape in bench.dossier.shapes
        if shape.role == "good" and not shape.name.endswith(PART) and (paging := _paging(bench, shape.name))
    ]
    sites = [parse_site(bench, name) for name, _, _ in found]
    if (
        len({(p, list_path(around)) for _, p, around in found}) != 1
        or len({name.count("/") for name, _, _ in found}) != 1
    ):
        return None
    if len({(site[0], site[1].span(site[2])) if site else None for site in sites}) != 1:
        return None
    (dataset, paging, envelope), site = found[0], sites[0]
    records = list_path(envelope)
    read = page_read(site[1], site[2]) if site and records else None
    if site is None or read is None or (paging.kind in _BY_PARAMETER and not read.is_request):
        return None
    if not all(_NAME.fullmatch(name) for name in (records, paging.path, paging.more or "-")):
        return None
    path, code, call = site
    if _is_followed(bench, paging):
        return None
    pages = _helper(dataset, paging, records, read)
    pages = Helper(name=helper(code, "all_pages", "").name, text=pages.text, imports=pages.imports)
    whole, helpers = f"{pages.name}({code.source(call)}, {read.first}, {read.name})", [pages]
    if bench.good(dataset + PART) is None:
        bare = helper(code, "records_of", unwrapped(records))
        whole, helpers = f"{bare.name}({whole})", [pages, bare]
    text = with_helper(code, [(read.at, read.function), (code.span(call), whole)], *helpers)
    if not compiles(text):
        return None
    told = f"`{paging.path}`" + (f" and `{paging.more}`" if paging.kind in _COUNTED else "")
    return Fix(
        texts=((path, text),),
        file=path,
        fields=(paging.path,),
        summary=f"Read all pages of {dataset}"[:100],
        explanation=f"{dataset} comes in pages now, as its new {told} says: only the first was read. The code follows them to the last one; an answer without pages gives the same as before.",
    )


def _is_followed(bench: Bench, paging: _Paging) -> bool:
    """Say whether code reads what tells of more pages: it follows them already, and the day is short for another reason."""
    leaf = re.escape((paging.more if paging.kind == "numbers" else paging.path).rpartition(".")[2])
    read = re.compile(rf"['\"]{leaf}['\"]|\.{leaf}\b(?!\()")
    return any(read.search(bench.text(path) or "") for path in bench.python_files())


def _paging(bench: Bench, dataset: str) -> _Paging | None:
    good, failing = bench.good(dataset), bench.failing(dataset)
    before, now = bench.good(dataset + PART), bench.failing(dataset + PART)
    if good is None or failing is None or now is None or not failing.records:
        return None
    if before is None and not any(SAYS.search(message) for message in bench.messages):
        return None
    if {f.path for f in good.fields} != {f.path for f in failing.fields}:
        return None
    if before is not None and list_path(now) != list_path(before):
        return None
    known = {f.path for f in before.fields if set(f.types) != {"null"}} if before else set()
    fresh = [f for f in now.fields if f.path not in known]
    found = [paging for field in fresh if (paging := _next(field, dataset))] or [
        *filter(None, [_numbers(fresh, failing.records)])
    ]
    linked = before is None and found and found[0].kind != "token"
    return found[0] if len(found) == 1 and (linked or _is_short(now, good, failing)) else None


def _is_short(now: DataShape, good: DataShape, failing: DataShape) -> bool:
    """Say whether records are missing: fewer than the day before, or than what is around them counts."""
    counted = [f for f in now.fields if name_tokens(f.path.rpartition(".")[2]) in COUNTS and f.types == ("integer",)]
    told = [f.low for f in counted if f.low is not None]
    return any(total > failing.records for total in told) if told else failing.records < 0.9 * good.records


def _next(field: FieldShape, dataset: str) -> _Paging | None:
    """Return what a field that names the next page says, by its name and by how its text is written."""
    words = [word for part in field.path.split(".") for word in name_tokens(part)]
    if "next" not in words or field.types != ("string",) or len(field.formats) != 1:
        return None
    form, rest = field.formats[0], set(words[words.index("next") + 1 :])
    if rest & _TOKENS:
        return _token(field.path) if not re.search(r"[/:]", form) else None
    if rest - _LINKS:
        return None
    if re.match(r"a{4,5}://", form) or form.startswith("/"):
        return _Paging(kind="url", path=field.path)
    first = dataset.split("/", maxsplit=1)[0]
    if "/" in form and "{" not in first and "/" in dataset:
        return _Paging(kind="root", path=field.path) if fold(form.split("/")[0]) == fold(pattern(first)) else None
    return _Paging(kind="file", path=field.path) if re.search(r"\.a{2,5}$|^\?", form) else None


def _token(path: str) -> _Paging | None:
    """``next_cursor`` is handed over as ``cursor``, ``nextPageToken`` as ``pageToken``."""
    leaf = path.rpartition(".")[2]
    match = re.fullmatch(r"next_(?P<snake>\w+)|next(?P<camel>[A-Z]\w+)", leaf)
    if match is None:
        return None
    camel = match["camel"]
    return _Paging(kind="token", path=path, more=match["snake"] or camel[0].lower() + camel[1:])


def _numbers(fresh: list[FieldShape], records: int) -> _Paging | None:
    """A page's number and the number of all, or where it begins and how many records there are: the first of several."""
    whole = [f for f in fresh if f.types == ("integer",)]
    words = {f.path: name_tokens(f.path.rpartition(".")[2]) for f in whole}
    page = [f for f in whole if words[f.path] in _PAGE and f.low == 1]
    pages = [f for f in whole if words[f.path] in PAGES and (f.low or 0) > 1]
    start = [f for f in whole if words[f.path] in {("offset",), ("start",), ("skip",)} and f.low == f.high == 0]
    total = [f for f in whole if words[f.path] in COUNTS and (f.low or 0) > records]
    found = [
        _Paging(kind=kind, path=at[0].path, more=all_[0].path)
        for kind, at, all_ in (("numbers", page, pages), ("offsets", start, total))
        if len(at) == len(all_) == 1
        and at[0].path.rpartition(".")[0] == all_[0].path.rpartition(".")[0]
        and (kind == "offsets" or words[at[0].path] == ("page",))
    ]
    return found[0] if len(found) == 1 else None


def _got(path: str) -> str:
    """Return the reads of a path that may end early, to stand behind the document's name."""
    *holders, leaf = path.split(".")
    return "".join(f'.get("{key}", {{}})' for key in holders) + f'.get("{leaf}")'


def _helper(dataset: str, paging: _Paging, records: str, read: PageRead) -> Helper:
    keys = "".join(f'["{key}"]' for key in records.split("."))
    if paging.kind in _COUNTED:
        text = (_NUMBERED if paging.kind == "numbers" else _OFFSETS).replace("PAGES", _got(paging.more))
        text = text.replace("pageAT", "page" + "".join(f'["{key}"]' for key in paging.path.split(".")))
        return Helper(name="", text=text.replace("PAGE", paging.path.rpartition(".")[2]).replace("RECORDS", keys))
    place, *inner = [f'.get("{key}")' for key in paging.path.split(".")]
    found = f"page{place}"
    for step in inner:
        found = f"({found} or {{}}){step}"
    imports = ""
    if paging.kind == "token":
        imports, text = "from urllib.parse import quote", _TEXT.replace("CHECK", "")
        text = text.replace("NEXT", f"f\"{{first}}{{'&' if '?' in first else '?'}}{paging.more}={{quote(following)}}\"")
    elif paging.kind != "root" and read.is_request:
        imports, text = "from urllib.parse import urljoin, urlsplit", _ASKED
    else:
        depth = 1 if paging.kind == "file" else len(dataset.split("/"))
        root = f"str(first).partition('?')[0].rsplit('/', {depth})[0]"
        text = _TEXT.replace("NEXT", f"{root} + '/' + following.lstrip('/')".replace("'", '"'))
        text = text.replace("CHECK", ' or ".." in following')
    return Helper(name="", text=text.replace("FOUND", found).replace("RECORDS", keys), imports=imports)
