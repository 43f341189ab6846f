"""An option or a sub-command that a commit renamed: the task that was forgotten follows, and nothing else is undone."""

from __future__ import annotations

import pathlib
from dataclasses import replace

import pytest
from failing_pipeline import KEY, dossier_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Evidence, Proposal, TaskError, Trust
from airflow_agentic.tracebacks import fingerprint

ARGPARSE = 'import argparse\n\n\ndef main():\n    parser = argparse.ArgumentParser()\n    for step in ("tidy", "load"):\n        parser.add_argument("--business-day", required=True)\n    return parser\n'
CLICK = 'import click\n\n\n@click.command()\n@click.option("--business-day")\ndef load(business_day):\n    print(business_day)\n'
TYPER = "import typer\n\napp = typer.Typer()\n\n\n@app.command()\ndef load(business_day: str, note: str = ''):\n    print(business_day)\n"
COMMANDS = 'import argparse\n\n\ndef main():\n    sub = argparse.ArgumentParser().add_subparsers()\n    sub.add_parser("collect")\n    sub.add_parser("summary")\n    return sub\n'
OF_OPTION = (
    '-    parser.add_argument("--date", required=True)\n+    parser.add_argument("--business-day", required=True)'
)
REQUIRED = "mill load: error: the following arguments are required: --business-day"
TIDY = 'tidy = BashOperator(task_id="tidy", bash_command="python -m mill.cli tidy --business-day {{ ds }}")'

FORGOTTEN = {
    "a Bash command": (
        ARGPARSE, OF_OPTION, REQUIRED,
        'BashOperator(task_id="load", bash_command="python -m mill.cli load --date {{ ds }} --force")',
        'BashOperator(task_id="load", bash_command="python -m mill.cli load --business-day {{ ds }} --force")',
    ),
    "written with an equals sign in a constant": (
        ARGPARSE, OF_OPTION, "mill: error: unrecognized arguments: --date=2026-11-02",
        'LOAD = "python -m mill.cli load --date={{ ds }}"\nload = BashOperator(task_id="load", bash_command=LOAD)',
        'LOAD = "python -m mill.cli load --business-day={{ ds }}"\nload = BashOperator(task_id="load", bash_command=LOAD)',
    ),
    "a list of arguments": (
        CLICK, '-@click.option("--date")\n+@click.option("--business-day")', "Error: No such option: --date",
        'DockerOperator(task_id="load", command=["python", "-m", "mill.cli", "--date", "{{ ds }}"])',
        'DockerOperator(task_id="load", command=["python", "-m", "mill.cli", "--business-day", "{{ ds }}"])',
    ),
    "a process that a decorated function starts": (
        TYPER, "-mill load --date 2026\n+mill load --business-day 2026", "Error: Missing option '--business-day'.",
        '@task\ndef load(day):\n    subprocess.run(["python", "-m", "mill.cli", "load", f"--date={day}"], check=True)',
        '@task\ndef load(day):\n    subprocess.run(["python", "-m", "mill.cli", "load", f"--business-day={day}"], check=True)',
    ),
    "a sub-command": (
        COMMANDS, '-    sub.add_parser("load")\n+    sub.add_parser("summary")',
        "mill: error: argument command: invalid choice: 'load' (choose from 'collect', 'summary')",
        'BashOperator(task_id="load", bash_command="python -m mill.cli load --date {{ ds }}")',
        'BashOperator(task_id="load", bash_command="python -m mill.cli summary --date {{ ds }}")',
    ),
    "all tasks of the program that were forgotten": (
        ARGPARSE, OF_OPTION, REQUIRED,
        'BashOperator(task_id="load", bash_command="python -m mill.cli load --date 1")\nBashOperator(task_id="pack", bash_command="python -m mill.cli pack --date 1")\nBashOperator(task_id="other", bash_command="python -m other --date 1")',
        'BashOperator(task_id="load", bash_command="python -m mill.cli load --business-day 1")\nBashOperator(task_id="pack", bash_command="python -m mill.cli pack --business-day 1")\nBashOperator(task_id="other", bash_command="python -m other --date 1")',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("cli", "diff", "said", "task", "then"), FORGOTTEN.values(), ids=FORGOTTEN.keys())
def test_a_task_that_a_renaming_commit_forgot_gives_the_new_name(tmp_path: pathlib.Path, cli, diff, said, task, then):  # type: ignore[no-untyped-def]
    change = _failed(tmp_path, cli, diff, said, task).change
    assert change is not None
    assert [(edit.path, edit.after) for edit in change.edits] == [("dag.py", f"{TIDY}\n{then}\n")]


BASH = 'BashOperator(task_id="load", bash_command="python -m mill.cli load --date {{ ds }}")'
OPEN = {
    "two options took its place": (ARGPARSE, OF_OPTION + "\n@@ -90 +90 @@\n-x --date\n+x --as-of", "error: unrecognized arguments: --date", BASH),
    "nobody defines the new one": (CLICK.replace("business", "calendar").replace("--calendar", "--cal"), OF_OPTION, REQUIRED, BASH),
    "no commit tells of it": (ARGPARSE, "-a\n+b", REQUIRED, BASH),
    "one more is lacking": (ARGPARSE, OF_OPTION, f"{REQUIRED}, --region", BASH),
    "the command has it twice": (ARGPARSE, OF_OPTION, REQUIRED, BASH.replace("--date {{ ds }}", "--date $(date --date {{ ds }})")),
    "the task gives another one": (ARGPARSE, OF_OPTION, REQUIRED, BASH.replace("--date", "--day")),
}  # fmt: skip


@pytest.mark.parametrize(("cli", "diff", "said", "task"), OPEN.values(), ids=OPEN.keys())
def test_a_name_that_is_not_sure_is_left(tmp_path: pathlib.Path, cli, diff, said, task):  # type: ignore[no-untyped-def]
    assert _failed(tmp_path, cli, diff, said, task).change is None


def test_what_another_task_needs_of_a_commit_is_not_taken_back(tmp_path: pathlib.Path):
    diff = f"-{TIDY.replace('--business-day', '--date')}\n+{TIDY}"
    task = BASH.replace("--date", "--day")
    assert _failed(tmp_path, ARGPARSE, diff, "exit status 2", task, path="dag.py").change is None


@pytest.mark.parametrize(("files", "taken_back"), [("dag.py, mill/cli.py", False), ("dag.py, tests/test_dag.py", True)])
def test_a_commit_is_taken_back_on_suspicion_only_as_a_whole(tmp_path: pathlib.Path, files: str, taken_back: bool):
    commit = _evidence("Commit abc1234567 in the recent history: x", f"by a\nfiles: {files}", "dag.py")
    diff, task = "@@ -3 +3 @@\n-TRIES = 2\n+TRIES = 3", f"{BASH}\nTRIES = 3"
    change = _failed(tmp_path, ARGPARSE, diff, "exit status 2", task, path="dag.py", more=(commit,)).change
    assert (change is not None) is taken_back


def _failed(  # type: ignore[no-untyped-def]
    folder: pathlib.Path, cli: str, diff: str, said: str, task: str, *, path: str = "mill/cli.py", more=()
) -> Proposal:
    files = {"dag.py": f"{TIDY}\n{task}\n", "mill/cli.py": cli}
    message = f"{said} (Command '['bash', '-c', ...]' returned non-zero exit status 2.)"
    error = TaskError(
        task=KEY,
        error_class="CalledProcessError",
        message=message,
        frames=(),
        fingerprint=fingerprint("C", message, ()),
    )
    told = (
        _evidence(f"Diff of {path} in the recent history, commit abc1234567", f"@@ -1 +1 @@\n{diff}\n", path),
        *more,
    )
    dossier = dossier_of(folder, files, None, None, error=error, evidence=told)
    return RulesAgent().propose(replace(dossier, checkout=replace(dossier.checkout, dag_file="dag.py")))  # type: ignore[type-var]


def _evidence(title: str, body: str, path: str) -> Evidence:
    return Evidence(id="E9", source="code", title=title, body=body, observed_at="", trust=Trust.REPOSITORY, path=path)
