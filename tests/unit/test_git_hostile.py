"""A repository that tries to run code through git's own drivers, read and written with real git: nothing fires."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from airflow_agentic.git import Clone, GitError, clone, run_git

DRIVERS = {
    "hooks": "[core]\n\thooksPath = {evil}\n",
    "clean and smudge": '[filter "x"]\n\tclean = {evil}/run\n\tsmudge = {evil}/run\n\trequired = true\n',
    "a filter process": '[filter "x"]\n\tprocess = {evil}/run\n\trequired = true\n',
    "fsmonitor": "[core]\n\tfsmonitor = {evil}/run\n",
    "an external diff": "[diff]\n\texternal = {evil}/run\n",
    "a diff driver": '[diff "x"]\n\tcommand = {evil}/run\n\ttextconv = {evil}/run\n',
    "a merge driver": '[merge "x"]\n\tdriver = {evil}/run\n',
    "gpg": "[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {evil}/run\n",
    "ssh": "[core]\n\tsshCommand = {evil}/run\n",
    "an alias": "[alias]\n\tstatus = !{evil}/run\n",
    "a pager": "[core]\n\tpager = {evil}/run\n\teditor = {evil}/run\n",
    "a credential helper": "[credential]\n\thelper = {evil}/run\n",
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("source")
    (folder / "a.py").write_text("x = 1\n")
    (folder / ".gitattributes").write_text("* filter=x diff=x merge=x\n")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *arguments], cwd=folder, check=True)
    return str(folder)


@pytest.mark.parametrize("driver", list(DRIVERS))
def test_a_work_tree_with_a_repository_of_its_own_fires_nothing(source: str, tmp_path: Path, driver: str) -> None:
    evil = tmp_path / "evil"
    evil.mkdir()
    for name in ("run", "pre-commit", "post-checkout", "post-commit", "reference-transaction"):
        (evil / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/fired\ncat\n")
        (evil / name).chmod(0o755)
    ours = clone(source, work_tree=str(tmp_path / "work"), git_dir=str(tmp_path / "git"), branch="main")
    subprocess.run(["git", "init", "-q", ours.work_tree], check=True)
    Path(ours.work_tree, ".git", "config").write_text(DRIVERS[driver].format(evil=evil))
    Path(ours.work_tree, "a.py").write_text("x = 2\n")
    use(ours)
    assert not (tmp_path / "fired").exists()


def test_the_same_configuration_does_fire_where_git_believes_the_work_tree(source: str, tmp_path: Path) -> None:
    (tmp_path / "run").write_text(f"#!/bin/sh\ntouch {tmp_path}/fired\ncat\n")
    (tmp_path / "run").chmod(0o755)
    subprocess.run(["git", "clone", "-q", source, str(tmp_path / "work")], check=True)
    config = DRIVERS["clean and smudge"].format(evil=tmp_path)
    (tmp_path / "work" / ".git" / "config").write_text(f"[core]\n\tbare = false\n{config}")
    (tmp_path / "work" / "a.py").write_text("x = 2\n")
    subprocess.run(["git", "add", "-A"], cwd=tmp_path / "work", check=True)
    assert (tmp_path / "fired").exists()


def test_the_machines_own_configuration_is_not_read(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text("[user]\n\tname = somebody\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "somebody")
    with pytest.raises(GitError):
        run_git("config", "user.name", cwd=source)


def test_a_repository_elsewhere_is_not_reached_through_ext(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not allowed"):
        clone(f"ext::touch {tmp_path}/fired", work_tree=str(tmp_path / "w"), git_dir=str(tmp_path / "g"), branch="main")
    assert not (tmp_path / "fired").exists()


def use(ours: Clone) -> None:
    """Do all that the product does with a clone."""
    ours.git("status", "--porcelain")
    ours.git("diff", "HEAD")
    ours.git("add", "-A", "--", "a.py")
    ours.git("commit", "-qm", "two")
    ours.git("reset", "--hard", "--quiet", "HEAD~1")
    ours.git("clean", "-ffdxq")
    ours.git("checkout", "-q", "main")
    assert os.path.exists(os.path.join(ours.work_tree, "a.py"))
