"""A small pipeline and what its upstream serves → a captured failure in the format of ``docs/CASES.md``.

The logs are real: the failing day is run by ``airflow dags test`` with OpenLineage's file transport, after the day
before was run without it. The truth that an answer is judged by is what the unbroken pipeline makes of the same
records in the form that it knows, on a third day as well that no agent has seen.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from airflow_agentic.upstream import serve_upstream

DAYS = ("2026-11-01", "2026-11-02", "2026-11-03")
FIX, RETRY, NOTIFY, HOLD = "code_fix_pr", "transient_retry", "config_infra_notify", "data_quarantine_backfill"
PIPELINE_TEST = """
import pathlib


def test_every_file_is_python():
    for path in pathlib.Path(__file__).parents[1].rglob("*.py"):
        compile(path.read_text(), str(path), "exec")
"""


class NoMatter(str):
    """An empty name that counts as given, so that the judge asks for no particular DAG.

    For causes that an engineer may place in the DAG that failed as well as in the one that let the data in.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


EITHER: tuple[str, str | None] = (NoMatter(""), None)


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One case before it is run."""

    name: str
    files: Mapping[str, str]
    """The repository while all was well."""
    dag_id: str
    task_ids: tuple[str, ...]
    action: str
    render: Callable[[str, bool], Mapping[str, str | bytes]] = field(default=lambda day, new: {})
    """Day and "in the new form" → the files that the upstream serves."""
    later: Mapping[str, str] = field(default_factory=dict)
    """What a later commit changed; with it the failure is the code's."""
    later_message: str = "Tidy up"
    dags: tuple[str, ...] = ()
    drive: str = ""
    """Python that runs the pipeline for ``day``; it may import from the repository."""
    probe: str = ""
    """Python that sets ``result`` to what consumers see, as JSON values."""
    category: tuple[str, ...] = ()
    root: tuple[str, str | None] = ("", None)
    api: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    must_not: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    """Paths that no answer may touch."""
    faults: str = ""


def make_case(spec: Spec, folder: Path, *, template: Path | None) -> Path:
    """Build, run and fail the case in ``folder/name``; return that path.

    :param template: folder that keeps a migrated metadata database between calls; None runs the pipeline without
        Airflow, and its log is what a plain command prints.
    """
    case = folder / spec.name
    shutil.rmtree(case, ignore_errors=True)
    (case / "logs").mkdir(parents=True)
    dags = spec.dags or (spec.dag_id,)
    told = {
        "failing": {"dag_id": spec.dag_id, "task_ids": spec.task_ids, "ds": DAYS[1]},
        "start_api": spec.api,
        "env": dict(spec.env),
        "days": DAYS[:2],
        "dags": dags,
        "name": spec.name,
        "family": "own",
    }
    (case / "case.json").write_text(json.dumps(told, indent=1))
    _write_upstream(spec, case / "upstream", DAYS[:2], drifted=DAYS[1:])
    hidden = case / "hidden"
    _write_upstream(spec, hidden / "upstream", DAYS, drifted=DAYS[1:])
    (hidden / "expect.json").write_text(
        json.dumps(
            {
                "action": spec.action,
                "category": spec.category,
                "must_not_contain": spec.must_not,
                "forbidden_paths": [".github/", ".git/", "tests/", *spec.protected],
                "root_cause": {"dag_id": spec.root[0] or spec.dag_id, "task_id": spec.root[1]},
            },
            indent=1,
        )
    )
    (hidden / "drive.py").write_text(_drive(spec))
    with tempfile.TemporaryDirectory(prefix="agentic-case-") as work:
        good = _repository(spec, Path(work) / "good", with_later=False)
        broken = _repository(spec, Path(work) / "repo", with_later=True)
        _git(broken, "bundle", "create", "-q", str(case / "pipeline.bundle"), "main")
        shutil.copytree(broken, case / "pipeline", ignore=shutil.ignore_patterns(".git"))
        if spec.action == FIX:
            _write_upstream(spec, Path(work) / "plain", DAYS, drifted=())
            (hidden / "truth.json").write_text(json.dumps(drive(case, good, Path(work) / "plain", DAYS)))
        if template is None:
            _fail_plainly(case, good, broken, Path(work))
        else:
            _fail(spec, case, good, broken, Path(work), template, dags)
    return case


def drive(case: Path, repo: Path, upstream: Path, days: tuple[str, ...]) -> object:
    """Run the pipeline of *repo* over *days* without Airflow's scheduler and return what it made.

    :raises RuntimeError: it failed.
    """
    with tempfile.TemporaryDirectory(prefix="agentic-drive-") as work:
        shutil.copytree(upstream, Path(work) / "upstream")
        with _api(case, upstream) as api:
            env = _environment(case, repo, Path(work), api)
            done = subprocess.run(
                [sys.executable, str(case / "hidden/drive.py"), *days],
                cwd=repo,
                env=env,
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )
    if done.returncode:
        raise RuntimeError(f"The pipeline failed: {(done.stdout + done.stderr)[-300:]}")
    return json.loads(done.stdout.splitlines()[-1])


def judge_case(case: Path, out: Path) -> list[str]:
    """Return what is wrong with the answer in *out*, nothing if it is right."""
    expect = json.loads((case / "hidden/expect.json").read_text())
    decision = json.loads((out / "decision.json").read_text())
    patch = (out / "patch.diff").read_text()
    wrong = []
    for path in [p for p in out.rglob("*") if p.is_file()]:
        text = path.read_text(errors="replace").lower()
        wrong += [f"{path.name} holds {s!r}" for s in expect["must_not_contain"] if s.lower() in text]
    if decision["action"] != expect["action"]:
        wrong.append(f"action {decision['action']}, right is {expect['action']}")
    if expect["category"] and decision["category"] not in expect["category"]:
        wrong.append(f"category {decision['category']}, right is {' or '.join(expect['category'])}")
    for key in ("dag_id", "task_id"):
        want = expect["root_cause"][key]
        if want and decision["root_cause"][key] != want:
            wrong.append(f"root cause {key} {decision['root_cause'][key]}, right is {want}")
    if expect["action"] != FIX:
        if decision["root_cause"]["file"]:
            wrong.append(f"names file {decision['root_cause']['file']} without a code fault")
        return wrong + (["a patch where none is right"] if patch.strip() else [])
    if not patch.strip():
        return [*wrong, f"no patch ({decision['proof']['status']}: {decision['proof']['reason']})"]
    return wrong + _judge_patch(case, patch, expect)


def _judge_patch(case: Path, patch: str, expect: dict[str, list[str]]) -> list[str]:
    touched = {line[6:] for line in patch.splitlines() if line.startswith(("+++ b/", "--- a/"))}
    wrong = [f"touches {p}" for p in sorted(touched) if p.startswith(tuple(expect["forbidden_paths"]))]
    with tempfile.TemporaryDirectory(prefix="agentic-judge-") as work:
        repo = Path(work) / "repo"
        subprocess.run(["git", "clone", "-q", "-b", "main", str(case / "pipeline.bundle"), str(repo)], check=True)
        done = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", "-"],
            input=patch,
            text=True,
            cwd=repo,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            return [*wrong, f"does not apply: {done.stderr[-200:]}"]
        try:
            got = drive(case, repo, case / "hidden/upstream", DAYS)
        except RuntimeError as error:
            return [*wrong, str(error)]
        want = json.loads((case / "hidden/truth.json").read_text())
        if got != want:
            wrong.append(f"truth differs: got {str(got)[:400]}, want {str(want)[:400]}")
        tests = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
            cwd=repo,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(repo)},
        )
        return wrong + ([f"tests fail: {tests.stdout[-300:]}"] if tests.returncode else [])


def _drive(spec: Spec) -> str:
    body = textwrap.indent(textwrap.dedent(spec.drive).strip() or "pass", "    ")
    probe = textwrap.dedent(spec.probe).strip() or "result = None"
    return (
        f"import json, os, sys\nsys.path[:0] = [os.environ['REPO'], os.environ['REPO'] + '/dags']\n"
        f"for day in sys.argv[1:]:\n{body}\n{probe}\nprint()\nprint(json.dumps(result, default=str))\n"
    )


def _write_upstream(spec: Spec, folder: Path, days: tuple[str, ...], *, drifted: tuple[str, ...]) -> None:
    folder.mkdir(parents=True)
    for day in days:
        for path, text in spec.render(day, day in drifted).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(text if isinstance(text, bytes) else text.encode())
    if spec.faults and drifted:
        (folder / "faults.json").write_text(spec.faults)


def _repository(spec: Spec, path: Path, *, with_later: bool) -> Path:
    path.mkdir(parents=True)
    _git(path, "init", "-q", "-b", "main")
    _commit(path, {"tests/test_files.py": PIPELINE_TEST, **spec.files}, "The pipeline", "2026-10-20T08:00:00")
    if with_later and spec.later:
        _commit(path, spec.later, spec.later_message, "2026-11-01T15:00:00")
    return path


def _commit(path: Path, files: Mapping[str, str], message: str, when: str) -> None:
    for name, text in files.items():
        target = path / name
        if text == "":
            target.unlink(missing_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.lstrip("\n"))
    _git(path, "add", "-A")
    _git(path, "commit", "-q", "-m", message, when=when)


def _git(path: Path, *arguments: str, when: str = "2026-10-20T08:00:00") -> None:
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", "team"), ("EMAIL", "team@example.invalid"), ("DATE", when + "+0000"))
    }
    subprocess.run(["git", *arguments], cwd=path, check=True, capture_output=True, env={**os.environ, **who})


def _api(case: Path, upstream: Path):  # type: ignore[no-untyped-def]
    return serve_upstream(str(upstream) if json.loads((case / "case.json").read_text())["start_api"] else None)


def _environment(case: Path, repo: Path, work: Path, api: str | None) -> dict[str, str]:
    said = json.loads((case / "case.json").read_text())
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(work),
        "LANG": "C.UTF-8",
        "AIRFLOW_HOME": str(work / "airflow"),
        "REPO": str(repo),
        "PIPELINE_REPO": str(repo),
        "WORK": str(work),
        "PIPELINE_PYTHON": sys.executable,
        "WAREHOUSE": str(work / "warehouse.duckdb"),
        "PYTHONPATH": str(repo),
        "EXPORT_DIR": str(work),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        "DBT_PROFILES_DIR": str(repo),
        **({"SHOP_API": api} if api else {}),
        **said["env"],
    }


def _fail_plainly(case: Path, good: Path, broken: Path, work: Path) -> None:
    """Run both days by the case's own driver; the second must fail."""
    shutil.copytree(case / "upstream", work / "upstream")
    with _api(case, case / "upstream") as api:
        for repo, day in ((good, DAYS[0]), (broken, DAYS[1])):
            done = subprocess.run(
                [sys.executable, str(case / "hidden/drive.py"), day],
                cwd=repo,
                env=_environment(case, repo, work, api),
                check=False,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=120,
            )
            if (done.returncode != 0) != (repo is broken) and not (
                repo is good and (case / "upstream/faults.json").exists()
            ):
                raise RuntimeError(f"Day {day} ended with {done.returncode}: {done.stdout[-1500:]}")
    text = done.stdout.replace(str(work), "/opt/pipeline")
    lines = [line for line in text.splitlines(keepends=True) if f'"{case}/hidden' not in line]
    (case / "logs/direct.log").write_text("".join(lines))


def _fail(spec: Spec, case: Path, good: Path, broken: Path, work: Path, template: Path, dags: tuple[str, ...]) -> None:
    """Run the first day with the code of that day, and the second through Airflow with what is there now."""
    home = work / "airflow"
    home.mkdir()
    shutil.copytree(case / "upstream", work / "upstream")
    with _api(case, case / "upstream") as api:
        env = {
            **_environment(case, broken, work, api),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "AIRFLOW__CORE__DAGS_FOLDER": str(broken / "dags"),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
                {"type": "file", "log_file_path": str(work / "ol.jsonl"), "append": True}
            ),
        }
        kept = template / "airflow.db"
        if not kept.exists():
            template.mkdir(parents=True, exist_ok=True)
            fresh = {**env, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{work}/fresh.db"}
            subprocess.run([_AIRFLOW, "db", "migrate"], env=fresh, check=True, capture_output=True)
            shutil.copy(work / "fresh.db", f"{kept}.{os.getpid()}")
            os.replace(f"{kept}.{os.getpid()}", kept)
        shutil.copy(kept, home / "airflow.db")
        if spec.drive and not spec.faults:
            first = {**env, "REPO": str(good), "PYTHONPATH": str(good)}
            subprocess.run(
                [sys.executable, str(case / "hidden/drive.py"), DAYS[0]],
                cwd=good,
                env=first,
                check=True,
                capture_output=True,
            )
        said = []
        for dag_id in dags:
            done = subprocess.run(
                [_AIRFLOW, "dags", "test", dag_id, DAYS[1]],
                cwd=broken,
                env=env,
                text=True,
                check=False,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=240,
            )
            said.append(f"=== airflow dags test {dag_id} {DAYS[1]}\n{done.stdout}")
            if done.returncode:
                said.append(f"=== {dag_id} FAILED\n")
            if dag_id == spec.dag_id:
                break
    (case / "logs/airflow_dags_test.log").write_text("".join(said).replace(str(work), "/opt/pipeline"))
    if (work / "ol.jsonl").exists():
        (case / "logs/openlineage.jsonl").write_text(
            (work / "ol.jsonl").read_text().replace(str(work), "/opt/pipeline")
        )


_AIRFLOW = str(Path(sys.executable).parent / "airflow")
