"""Landed data of the failing and of the last good interval → their shapes and what differs. Never a value.

Only what the connection's ``data_locations`` allow is read: folders and URL prefixes. A file that lies elsewhere
behind a symlink, a redirect to another address and anything too large are refused and said.
"""

from __future__ import annotations

import os
import re
import stat
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from airflow_agentic.context.intervals import day_before, fill, instants, shown, template
from airflow_agentic.context.landed_cuts import cut_off
from airflow_agentic.context.landed_files import Landed, Unreadable, parse, read_file
from airflow_agentic.context.landed_moves import MOVED, Move, moves
from airflow_agentic.records import DataShape, Evidence, Gap, SourceReport, Target, Trust
from airflow_agentic.repeats import repeats
from airflow_agentic.shape_changes import name_tokens
from airflow_agentic.shapes import difference, printable, shape
from airflow_agentic.value_traces import traces

MAX_LISTED = 20_000
MAX_SETS = 30
MAX_DATELESS = 5
MAX_SECONDS = 30
DIFFERS = "Landed data differs in"
_SUFFIXES = (
    ".json",
    ".jsonl",
    ".ndjson",
    ".csv",
    ".tsv",
    ".psv",
    ".gz",
    ".parquet",
    ".pq",
    ".sqlite",
    ".sqlite3",
    ".db",
    ".txt",
    ".xml",
    ".zip",
)
_URL = re.compile(r"https?://[^\s\"'<>\\)\]}]+")
_FILE = re.compile(r"[\w.@=+%-]{1,200}\.(?:jsonl?|ndjson|csv|tsv|psv|parquet|pq|sqlite3?|db|txt|gz|xml|zip)\b")
_SECRET = re.compile(r"key|token|secret|passw|sig|auth|cred", re.IGNORECASE)


@dataclass(frozen=True)
class _Pair:
    """One data set: its stable name and where its two intervals lie."""

    name: str
    failing: str
    good: str | None
    """None for a data set without a date: it has one shape only."""
    moved: str = ""
    """From where to where the file has moved since the good day, if it has."""


class LandedSource:
    """Shapes of what was landed, failing beside good."""

    name = "landed"

    def __init__(self, locations: tuple[str, ...], *, max_bytes: int = 5_000_000, timeout_s: float = 5.0) -> None:
        """Keep what may be read.

        :param locations: folders (or ``file://``) and ``http(s)://`` prefixes; nothing else is touched.
        :param max_bytes: per file or response, also after decompression.
        :param timeout_s: per request.
        """
        self._folders = tuple(x.removeprefix("file://") for x in locations if not _is_url(x))
        self._prefixes = tuple(x for x in locations if _is_url(x))
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return the shapes of both intervals, data sets related to the failing task first, and their differences."""
        if not self._folders and not self._prefixes:
            return SourceReport(
                gaps=(self._gap("no data_locations are set: the shape of the landed data is not known"),)
            )
        gaps: list[Gap] = []
        failing, good, hourly = self._moments(target, gaps)
        pairs: list[_Pair] = []
        named = _files_named(_texts(target, so_far))
        for folder in self._folders:
            pairs += self._in_folder(folder, failing, good, hourly, gaps, named)
        pairs += self._at_urls(so_far, target, failing, good, hourly, gaps)
        words = _words_of(target, so_far)
        pairs.sort(
            key=lambda pair: (
                os.path.basename(pair.failing) not in named, -_related(pair.name, words), pair.good is None, pair.name,
            )
        )  # fmt: skip
        if len(pairs) > MAX_SETS:
            gaps.append(
                self._gap(f"{len(pairs)} data sets lie there; only the {MAX_SETS} nearest to the task were read")
            )
        shapes: list[DataShape] = []
        told: list[Evidence] = []
        compared: list[tuple[DataShape, DataShape, bool]] = []
        deadline = time.monotonic() + MAX_SECONDS
        for count, pair in enumerate(pairs[:MAX_SETS]):
            if time.monotonic() > deadline:
                gaps.append(
                    self._gap(f"after {MAX_SECONDS} s {len(pairs) - count} of {len(pairs)} data sets were left")
                )
                break
            for now, was, counted in self._shapes(pair, failing, good, hourly, gaps):
                shapes += [one for one in (now, was) if one]
                compared += [(now, was, counted)] if now and was else []
                if now and was and pair.moved and _is_one_form(now, was):
                    told.append(_evidence(f"{MOVED}{pair.moved}", f"- {was.records} and {now.records} records", target))
        if not pairs:
            gaps.append(
                self._gap(
                    "nothing of the failing interval was found in " + ", ".join((*self._folders, *self._prefixes))
                )
            )
        evidence = (*told, *_told(compared, target))
        return SourceReport(evidence=evidence, shapes=tuple(shapes), gaps=tuple(dict.fromkeys(gaps)))

    def _moments(self, target: Target, gaps: list[Gap]) -> tuple[tuple[datetime, ...], tuple[datetime, ...], bool]:
        failing = instants(target.run)
        if target.last_good is None:
            gaps.append(self._gap("no run that worked is known: the data of the day before stands for it"))
            return failing, tuple(day_before(moment) for moment in failing), False
        good = instants(target.last_good)
        hourly = bool(failing and good) and failing[0].date() == good[0].date()
        return failing, good, hourly

    def _in_folder(
        self,
        folder: str,
        failing: tuple[datetime, ...],
        good: tuple[datetime, ...],
        hourly: bool,
        gaps: list[Gap],
        named: frozenset[str],
    ) -> list[_Pair]:
        if not os.path.isdir(folder):
            gaps.append(self._gap(f"location {folder!r} is no folder that can be read"))
            return []
        names = list(self._listed(folder, gaps))
        for index, moment in enumerate(failing):
            other = good[min(index, len(good) - 1)] if good else None
            dated = [(name, stable) for name in names if (stable := template(name, moment, hourly=hourly))]
            if dated:
                of_it = {name for name, _ in dated}
                rest = [name for name in names if name not in of_it]
                moved = {} if hourly or other is None else {one.now: one for one in moves(names, moment, other)}
                pairs = [_dated(folder, name, stable, other, moved.get(name)) for name, stable in dated]
                return [*pairs, *_dateless(folder, rest, named)]
        return _dateless(folder, names, named)

    def _listed(self, folder: str, gaps: list[Gap]) -> Iterator[str]:
        root = os.path.realpath(folder)
        seen = 0
        for here, folders, files in os.walk(root, followlinks=False):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                full = os.path.join(here, name)
                seen += 1
                if seen > MAX_LISTED:
                    gaps.append(
                        self._gap(f"location {folder!r} holds more than {MAX_LISTED} files; the rest was not looked at")
                    )
                    return
                if not name.lower().endswith(_SUFFIXES):
                    continue
                if not os.path.realpath(full).startswith(root + os.sep):
                    gaps.append(self._gap(f"{name!r} in {folder!r} is a link to outside of the location: refused"))
                elif _is_regular(full):
                    yield os.path.relpath(full, root).replace(os.sep, "/")

    def _at_urls(
        self,
        so_far: SourceReport,
        target: Target,
        failing: tuple[datetime, ...],
        good: tuple[datetime, ...],
        hourly: bool,
        gaps: list[Gap],
    ) -> list[_Pair]:
        if not self._prefixes:
            return []
        pairs: dict[str, _Pair] = {}
        for url in _urls(_texts(target, so_far)):
            if not any(_below(url, prefix) for prefix in self._prefixes):
                continue
            for index, moment in enumerate(failing):
                stable = template(url, moment, hourly=hourly)
                if stable and good:
                    pairs[stable] = _Pair(_short(stable), url, fill(stable, good[min(index, len(good) - 1)]))
                    break
            else:
                pairs[url] = _Pair(_short(url), url, None)
        if not pairs:
            gaps.append(
                self._gap("neither the log nor the task's fields name an address below " + ", ".join(self._prefixes))
            )
        return list(pairs.values())

    def _shapes(
        self, pair: _Pair, failing: tuple[datetime, ...], good: tuple[datetime, ...], hourly: bool, gaps: list[Gap]
    ) -> Iterator[tuple[DataShape | None, DataShape | None, bool]]:
        """Yield the failing and the good shape, as far as there is one, and whether their records were all counted."""
        cut = cut_off(pair.failing, pair.good, max_bytes=self._max_bytes)
        gaps += [self._gap(f"{printable(_short(pair.failing))!r} {cut}")] if cut else []
        bad = {} if cut else self._read(pair.failing, pair.name, gaps)
        fine = self._read(pair.good, pair.name, gaps) if pair.good else {}
        interval, before = (shown(days[0], hourly=hourly) if days else "" for days in (failing, good))
        for part, landed in bad.items():
            name = pair.name + (f" ({part})" if part else "")
            now = _shape(landed, name, interval, "failing")
            was = _shape(fine[part], name, before, "good") if part in fine else None
            if was is not None:
                told = traces(was, now, fine[part].records, landed.records)
                now = replace(now, traces=told, repeats=repeats(was, now, landed.records))
            yield now, was, landed.whole and (was is None or fine[part].whole)
        for part in fine.keys() - bad.keys() if bad else ():
            yield None, _shape(fine[part], f"{pair.name} ({part})", before, "good"), False
        if bad and not fine and "{" in pair.name:
            gaps.append(self._gap(f"{pair.name!r} has no data of the last good interval to compare with"))

    def _read(self, place: str, name: str, gaps: list[Gap]) -> dict[str, Landed]:
        try:
            found = (
                self._fetch(place) if _is_url(place) else read_file(os.path.realpath(place), max_bytes=self._max_bytes)
            )
        except Unreadable as error:
            if _is_url(place) or os.path.exists(place):
                gaps.append(self._gap(f"{printable(_short(place))!r} {error}"))
            return {}
        return {item.part: item for item in found}

    def _fetch(self, url: str) -> tuple[Landed, ...]:
        opener = urllib.request.build_opener(_NoRedirect())
        request = urllib.request.Request(url, headers={"User-Agent": "airflow-agentic"})  # noqa: S310 - http(s) only
        try:
            with opener.open(request, timeout=self._timeout_s) as reply:
                data = reply.read(self._max_bytes + 1)
                kind = str(reply.headers.get("Content-Type", ""))
        except urllib.error.HTTPError as error:
            raise Unreadable(f"answers HTTP {error.code}") from error
        except (OSError, ValueError) as error:
            raise Unreadable(f"does not answer: {type(error).__name__}") from error
        name = urllib.parse.urlsplit(url).path + (".csv" if "csv" in kind else "")
        return parse(name, data[: self._max_bytes], whole=len(data) <= self._max_bytes, max_bytes=self._max_bytes)

    def _gap(self, reason: str) -> Gap:
        return Gap(source=self.name, reason=reason[:500])


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could lead out of the allowed prefix."""

    def redirect_request(self, *_: object) -> None:
        return None


def _shape(landed: Landed, name: str, interval: str, role: str) -> DataShape:
    return replace(shape(landed.records, name=name, interval=interval, role=role), form=landed.form)


def _is_one_form(now: DataShape, was: DataShape) -> bool:
    """Say whether nearly all fields are the same: two files that are alike by name alone are two."""
    a, b = ({field.path for field in one.fields} for one in (now, was))
    packed = set(now.form) ^ set(was.form) == {"gzip"}
    return (packed or now.form == was.form) and len(a & b) >= 0.8 * len(a | b) > 0


def _told(compared: list[tuple[DataShape, DataShape, bool]], target: Target) -> tuple[Evidence, ...]:
    """Return one evidence a data set that differs, and one for all that do not."""
    found: list[Evidence] = []
    same: list[str] = []
    for now, was, counted in compared:
        changes = [c for c in difference(was, now) if counted or c.kind != "volume"]
        if changes:
            title = f"{DIFFERS} {now.name}: {len(changes)} from {was.interval} (good) to {now.interval} (failing)"
            found.append(_evidence(title, "\n".join(f"- {c.kind}: {c.detail}" for c in changes), target))
        else:
            same.append(f"- {now.name}: {was.records} and {now.records} records, {len(now.fields)} fields")
    if same:
        found.append(
            _evidence(f"Landed data with the same shape on both days: {len(same)} data sets", "\n".join(same), target)
        )
    return tuple(found)


def _evidence(title: str, body: str, target: Target) -> Evidence:
    # Names of fields are chosen by whoever sends the data, so our own words around them are not trusted either.
    return Evidence(
        id="", source="landed", title=title, body=body, observed_at=target.incident.last_seen, trust=Trust.UNTRUSTED
    )


def _dated(folder: str, name: str, stable: str, other: datetime | None, move: Move | None) -> _Pair:
    root = os.path.realpath(folder)
    if move is not None and other is not None:
        known = template(move.was, other, hourly=False) or move.was
        there = os.path.join(root, move.was)
        return _Pair(printable(known), os.path.join(root, name), there, printable(f"{move.old} → {move.new}"))
    good = os.path.join(root, fill(stable, other)) if other else ""
    inside = bool(good) and os.path.realpath(good).startswith(root + os.sep)
    return _Pair(printable(stable), os.path.join(root, name), good if inside else None)


def _dateless(folder: str, names: Iterable[str], named: frozenset[str]) -> list[_Pair]:
    """Return files of no interval: those that the task names, whatever their date, and a few without a date."""
    listed = list(names)
    plain = [name for name in listed if not re.search(r"\d{4}[-_/.]?\d{2}[-_/.]?\d{2}|year=\d{4}", name)]
    wanted = [name for name in listed if name.rsplit("/", 1)[-1] in named][:MAX_SETS]
    both, root = dict.fromkeys([*wanted, *plain[:MAX_DATELESS]]), os.path.realpath(folder)
    return [_Pair(printable(name), os.path.join(root, name), None) for name in both]


def _files_named(texts: Iterable[str]) -> frozenset[str]:
    """Return the names, without folders, of data files that the log or the task's fields name.

    The worker may know the file by another path than we do, so only the name counts; what is read stays in the folder.
    """
    return frozenset(name for text in texts for name in _FILE.findall(text[:200_000]))


def _words_of(target: Target, so_far: SourceReport) -> dict[str, int]:
    """Return words with their weight: of the task's id 4, of its fields 3, of the error 3, of the log 1."""
    weighted = [(1, e.title + " " + e.body[:20_000]) for e in so_far.evidence]
    weighted += [(3, f"{error.message} {' '.join(f.code for f in error.frames)}") for error in so_far.errors]
    weighted += [(3, value[:20_000]) for run in target.failed for _, value in run.rendered]
    weighted += [(4, run.key.task_id) for run in target.failed]
    words: dict[str, int] = {}
    for weight, text in weighted:
        words.update((word, weight) for word in name_tokens(text))
    return words


def _related(name: str, words: dict[str, int]) -> int:
    return max((words.get(word, 0) for word in name_tokens(re.sub(r"\{[^}]*\}|\.\w+$|\(.*", " ", name))), default=0)


def _texts(target: Target, so_far: SourceReport) -> Iterator[str]:
    for run in target.failed:
        yield from (value for _, value in run.rendered)
    for error in so_far.errors:
        yield from (error.message, *error.chain)
    for evidence in so_far.evidence:
        yield evidence.body


def _urls(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses in *texts*, without parameters that look like a credential: those are never sent."""
    found: dict[str, None] = {}
    for text in texts:
        for match in _URL.findall(text[:200_000]):
            parts = urllib.parse.urlsplit(match.rstrip(".,;:"))
            query = [
                (k, v)
                for k, v in urllib.parse.parse_qsl(parts.query)
                if not _SECRET.search(k) and not re.search(r"[\[*]", v)
            ]
            found[
                urllib.parse.urlunsplit((parts.scheme, parts.netloc, parts.path, urllib.parse.urlencode(query), ""))
            ] = None
    return tuple(found)


def _below(url: str, prefix: str) -> bool:
    a, b = urllib.parse.urlsplit(url), urllib.parse.urlsplit(prefix)
    if (a.scheme, a.netloc.lower()) != (b.scheme, b.netloc.lower()) or "@" in a.netloc:
        return False
    decoded = urllib.parse.unquote(a.path)
    return ".." not in decoded.split("/") and (a.path == b.path or a.path.startswith(b.path.rstrip("/") + "/"))


def _short(url: str) -> str:
    """Return an address without host and query, a file's path as its last three parts."""
    path = urllib.parse.urlsplit(url).path.lstrip("/") if _is_url(url) else url
    return printable("/".join(path.split("/")[-3:]))


def _is_url(location: str) -> bool:
    return location.startswith(("http://", "https://"))


def _is_regular(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False
