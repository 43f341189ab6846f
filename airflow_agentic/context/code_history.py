"""A span of history → its commits and the diff of the files that matter, as evidence, bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_agentic.context.dependency_changes import dependency_changes
from airflow_agentic.git import Clone, GitError
from airflow_agentic.records import Evidence, Trust

MAX_COMMITS = 20
MAX_RECENT = 5
MAX_DIFF = 6_000
MAX_TOUCHED = 16
COMMIT_TITLE = "Commit"
DIFF_TITLE = "Diff"
_WORDS = {
    "before": "between the last good run and the failing one",
    "after": "after the failing version, on the base branch now",
    "recent": "in the recent history",
}


@dataclass(frozen=True, kw_only=True)
class Span:
    """A range of commits: from *start* (not itself) to *end*, or by date."""

    start: str | None
    end: str
    when: str
    """``before`` the failure, ``after`` it, or ``recent`` when nothing is known of a good run."""
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One commit, as far as it is told."""

    sha: str
    date: str
    author: str
    subject: str
    files: tuple[str, ...]


def commits_between(repository: Clone, span: Span) -> tuple[Commit, ...]:
    """Return the commits of *span*, newest first, at most 20 (5 of a span without a start)."""
    limit = MAX_RECENT if span.when == "recent" else MAX_COMMITS
    dates = [f"--since={span.since}"] if span.since else []
    dates += [f"--until={span.until}"] if span.until else []
    reach = f"{span.start}..{span.end}" if span.start else span.end
    output = repository.git(
        "-c",
        "core.quotePath=false",
        "log",
        f"-n{limit}",
        "-m",
        "--first-parent",
        "--name-only",
        *dates,
        "--format=%x1e%H%x1f%aI%x1f%an%x1f%s",
        reach,
        "--",
    )
    return tuple(_commit(part) for part in output.split("\x1e") if part.strip())


def describe(commits: tuple[Commit, ...], span: Span, touched: tuple[str, ...]) -> tuple[Evidence, ...]:
    """Return one evidence a commit; its path is the first of *touched* that the commit changes, if any."""
    return tuple(
        Evidence(
            id="",
            source="code",
            title=f"{COMMIT_TITLE} {commit.sha[:10]} {_WORDS[span.when]}: {commit.subject[:120]}",
            body=f"{commit.date} by {commit.author}\nfiles: {_listed(commit.files)}",
            observed_at=commit.date,
            trust=Trust.REPOSITORY,
            path=next((path for path in touched if path in commit.files), None),
        )
        for commit in commits
    )


def diffs(repository: Clone, spans: tuple[Span, ...], touched: tuple[str, ...]) -> tuple[Evidence, ...]:
    """Return what the spans changed in the files of *touched*, each file's diff at most 6,000 characters."""
    found: list[Evidence] = []
    for span in spans:
        found += _recent_diffs(repository, span, touched) if span.when == "recent" else ()
        start = span.start or _parent_of_oldest(repository, span)
        if span.when == "recent" or start is None or start == span.end:
            continue
        for path in touched[:MAX_TOUCHED]:
            text = repository.git("diff", "--no-ext-diff", "--no-textconv", "-U3", start, span.end, "--", path)
            if text.strip():
                found.append(
                    Evidence(
                        id="",
                        source="code",
                        title=f"{DIFF_TITLE} of {path} {_WORDS[span.when]}",
                        body=text if len(text) <= MAX_DIFF else text[:MAX_DIFF] + "\n... cut",
                        observed_at=repository.git("log", "-1", "--format=%cI", span.end).strip(),
                        trust=Trust.REPOSITORY,
                        path=path,
                        line=_first_line(text),
                    )
                )
    return tuple(found)


def pins_of(repository: Clone, span: Span) -> tuple[Evidence, ...]:
    """Return how the versions of dependencies differ between the ends of a span."""
    start = span.start or _parent_of_oldest(repository, span)
    if start is None or start == span.end:
        return ()
    at = repository.git("log", "-1", "--format=%cI", span.end).strip()
    return dependency_changes(repository, start, span.end, at)


def _recent_diffs(repository: Clone, span: Span, touched: tuple[str, ...]) -> Iterator[Evidence]:
    """Yield what each recent commit changed in *touched*; the first commit of all changed nothing, it began."""
    for commit in commits_between(repository, span):
        for path in [path for path in touched[:MAX_TOUCHED] if path in commit.files]:
            try:
                text = repository.git(
                    "diff", "--no-ext-diff", "--no-textconv", "-U3", f"{commit.sha}^", commit.sha, "--", path
                )
            except GitError:
                break
            if "\nnew file mode" not in text[:300] and "\ndeleted file mode" not in text[:300]:
                yield Evidence(
                    id="",
                    source="code",
                    title=f"{DIFF_TITLE} of {path} {_WORDS[span.when]}, commit {commit.sha[:10]}",
                    body=text if len(text) <= MAX_DIFF else text[:MAX_DIFF] + "\n... cut",
                    observed_at=commit.date,
                    trust=Trust.REPOSITORY,
                    path=path,
                    line=_first_line(text),
                )


def deletion_of(repository: Clone, path: str) -> str | None:
    """Return the commit that deleted *path* and its date, in words; None if it was never there."""
    try:
        text = repository.git("log", "-1", "--diff-filter=D", "--format=%h on %aI", "HEAD", "--", path).strip()
    except GitError:
        return None
    return text or None


def _parent_of_oldest(repository: Clone, span: Span) -> str | None:
    commits = commits_between(repository, span) if span.since else ()
    if not commits:
        return None
    try:
        return repository.git("rev-parse", "--verify", "--quiet", f"{commits[-1].sha}^").strip() or None
    except GitError:
        return None


def _commit(part: str) -> Commit:
    head, _, names = part.partition("\n")
    sha, date, author, subject = [*head.split("\x1f"), "", "", "", ""][:4]
    files = tuple(dict.fromkeys(line for line in names.splitlines() if line.strip()))
    return Commit(sha=sha.strip(), date=date, author=author[:80], subject=subject, files=files)


def _listed(files: tuple[str, ...]) -> str:
    more = f" and {len(files) - 20} more" if len(files) > 20 else ""
    return ", ".join(files[:20]) + more


def _first_line(diff: str) -> int | None:
    match = re.search(r"^@@ -\d+(?:,\d+)? \+(\d+)", diff, re.MULTILINE)
    return int(match[1]) if match else None
