"""The root modules that everybody stands on: scope, settings, registry, changes, git, tracebacks."""

import subprocess

import pytest

from airflow_agentic import registry
from airflow_agentic.changes import changed_lines, make_change
from airflow_agentic.errors import SettingsError
from airflow_agentic.git import GitError, clone, run_git
from airflow_agentic.records import FileEdit, TaskKey
from airflow_agentic.scope import TrustLevel, read_scope
from airflow_agentic.tracebacks import fingerprint, message_shape, own_frames, parse_tracebacks, root_error

TASK = TaskKey(dag_id="d", run_id="r", task_id="t")
CHAINED = """
Traceback (most recent call last):
  File "/opt/repo/feed/client.py", line 22, in get
    raise HTTPError(503)
urllib.error.HTTPError: HTTP Error 503: Service Unavailable

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/opt/repo/feed/ingest.py", line 9, in run
    get()
feed.client.UpstreamError: orders 2026-11-02: HTTP 503
Traceback (most recent call last):
  File "/venv/lib/python3.12/site-packages/airflow/providers/standard/operators/bash.py", line 225, in execute
    raise AirflowException(
airflow.sdk.exceptions.AirflowException: Bash command failed. The command returned a non-zero exit code 1.
""".splitlines()


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"trust_level": "everything"}, "'observe', 'diagnose', 'propose' or 'propose_ready'"),
        ({"trust": "propose"}, "'trust' is no field"),
        ({"allowed_paths": ["../other/**"]}, "'../other/**' is no glob inside the repository"),
        ({"allowed_paths": ["/etc/**"]}, "'/etc/**' is no glob inside the repository"),
        ({"max_files": 0}, "max_files"),
        ({"usd_per_day": -1}, "usd_per_day"),
        ({"accept": ["everything"]}, "allowed: unprotected_base_branch"),
        ({"base_branch": "main..evil"}, "base_branch"),
        ({"repository": "https://bot:hunter2@git.example/r.git"}, "put the credential in forge_conn_id"),
        ("{not json", "no JSON"),
        ('["a list"]', "no JSON object"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_connection_with_a_wrong_value_is_refused_and_says_what_is_allowed(extra, told):
    with pytest.raises(SettingsError) as error:
        read_scope(extra, conn_id="agentic_default")
    assert told in str(error.value)
    assert "agentic_default" in str(error.value)


def test_an_empty_connection_diagnoses_and_proposes_nothing():
    scope = read_scope("", conn_id="c")
    assert (scope.trust_level, scope.agent_pattern(), scope.accept) == (TrustLevel.DIAGNOSE, "rules", ())


def test_a_model_changes_the_pattern_unless_one_is_named():
    assert read_scope({"anthropic_conn_id": "a"}, conn_id="c").agent_pattern() == "single"
    assert read_scope({"anthropic_conn_id": "a", "pattern": "rules"}, conn_id="c").agent_pattern() == "rules"


@pytest.mark.parametrize(
    ("folder", "name"),
    [("agents", "rules"), ("agents", "single"), ("forges", "github"), ("forges", "local"), ("workspaces", "local")],
)
def test_the_file_name_is_the_setting(folder, name):
    assert name in registry.available(folder)
    assert registry.find(folder, name).name == name


def test_an_unknown_plug_in_is_refused_with_the_names_that_exist():
    with pytest.raises(SettingsError, match="github, local"):
        registry.find("forges", "gitlab")


@pytest.mark.parametrize(
    ("before", "after"),
    [("a\nb\n", "a\nc\n"), ("a", "b"), ("a\n", "a"), (None, "new\n"), ("gone\n", None), ("a\r\nb\r\n", "a\r\nc\r\n"),
     ("a\x0cb\nc\n", "a\x0cb\nd\n"), ("", "x\n")],
)  # fmt: skip
def test_git_applies_the_diff_that_we_make(tmp_path, before, after):
    change = make_change("0" * 40, [FileEdit(path="dir/file.py", before=before, after=after)], "s")
    target = tmp_path / "dir" / "file.py"
    target.parent.mkdir()
    if before is not None:
        target.write_bytes(before.encode())
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    run_git("apply", "--whitespace=nowarn", "-", cwd=str(tmp_path), stdin=change.diff)
    assert (target.read_bytes().decode() if target.exists() else None) == after


def test_a_change_that_alters_nothing_is_none():
    assert make_change("c", [FileEdit(path="a", before="x", after="x")], "s") is None


def test_lines_are_counted_without_the_headers():
    change = make_change("c", [FileEdit(path="a", before="x\ny\n", after="x\nz\nw\n")], "s")
    assert changed_lines(change) == 3


def test_a_clone_keeps_its_git_directory_elsewhere_and_runs_no_hook(tmp_path):
    origin, marker = tmp_path / "origin", tmp_path / "fired"
    run_git("init", "--quiet", "--initial-branch=main", str(origin))
    (origin / ".gitattributes").write_text("*.py filter=evil\n")
    (origin / "a.py").write_text("x = 1\n")
    run_git("add", "--all", cwd=str(origin))
    run_git("commit", "--quiet", "-m", "one", cwd=str(origin))
    config = origin / ".git" / "config"
    config.write_text(config.read_text() + f'[filter "evil"]\n\tsmudge = touch {marker}; cat\n')
    hook = origin / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
    hook.chmod(0o755)
    copy = clone(str(origin), work_tree=str(tmp_path / "w"), git_dir=str(tmp_path / "g"), branch="main")
    assert (tmp_path / "w" / "a.py").read_text() == "x = 1\n"
    assert not (tmp_path / "w" / ".git").exists()
    assert copy.git("status", "--porcelain").strip() == ""
    assert not marker.exists()


def test_a_repository_that_is_not_there_is_told_in_git_s_own_words(tmp_path):
    with pytest.raises(GitError, match="failed"):
        clone(str(tmp_path / "none"), work_tree=str(tmp_path / "w"), git_dir=str(tmp_path / "g"), branch="main")


def test_a_wrapper_steps_back_behind_the_first_cause_of_the_chain_before_it():
    error = root_error(TASK, parse_tracebacks(CHAINED))
    assert (error.error_class, error.message) == ("urllib.error.HTTPError", "HTTP Error 503: Service Unavailable")
    assert error.chain[1] == "feed.client.UpstreamError: orders 2026-11-02: HTTP 503"
    assert own_frames(error.frames)[-1].line == 22


def test_no_traceback_is_no_error():
    assert root_error(TASK, parse_tracebacks(["all went well"])) is None


@pytest.mark.parametrize(
    ("one", "two"),
    [("row 17 of 2026-11-01", "row 4 of 2026-11-02"), ("open /tmp/a1/x failed", "open /var/b2/y failed"),
     ("id 6f1c2d3e-0000-4000-8000-000000000001", "id 6f1c2d3e-1111-4000-8000-000000000002")],
)  # fmt: skip
def test_run_specific_values_do_not_count_for_a_fingerprint(one, two):
    assert message_shape(one) == message_shape(two)
    assert fingerprint("KeyError", one, ()) == fingerprint("KeyError", two, ())


def test_another_missing_key_is_another_fingerprint():
    assert fingerprint("KeyError", "'a'", ()) != fingerprint("KeyError", "'b'", ())
