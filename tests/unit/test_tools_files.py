import os

import pytest

from airflow_agentic.edit_buffer import EditBuffer
from airflow_agentic.errors import ToolRefused
from airflow_agentic.tools.edit_file import EditFileTool
from airflow_agentic.tools.list_files import ListFilesTool
from airflow_agentic.tools.read_file import ReadFileTool
from airflow_agentic.tools.search_code import SearchCodeTool

PROTECTED = (".git/**", ".github/**", "**/CODEOWNERS")
ESCAPES = {
    "upwards": "../outside.txt",
    "upwards-inside": "dags/../../outside.txt",
    "absolute": "/etc/passwd",
    "home": "~/.ssh/id_rsa",
    "git": ".git/config",
    "git-in-a-folder": "dags/.git/hooks/pre-commit",
    "git-in-capitals": ".GIT/config",
    "git-with-a-dot": ".git./config",
    "backslash": "dags\\..\\..\\outside.txt",
    "null-byte": "dags/a.py\0.txt",
    "line-feed": "dags/a\n.py",
    "link-to-file": "link.txt",
    "link-to-folder": "linked/outside.txt",
    "empty": "",
    "root": ".",
    "folder": "dags",
}


@pytest.fixture
def root(tmp_path):
    tree = tmp_path / "tree"
    (tree / "dags").mkdir(parents=True)
    (tree / ".git").mkdir()
    (tree / ".git" / "config").write_text("[core]\n")
    (tree / ".github" / "workflows").mkdir(parents=True)
    (tree / ".github" / "workflows" / "ci.yml").write_text("on: push\n")
    (tree / "dags" / "a.py").write_text('key = "id"\nother = "id"\nlast = 1\n')
    (tree / "dags" / "binary.bin").write_bytes(b"a\0b")
    (tree / "dags" / "latin.txt").write_bytes(b"\xe4\xf6")
    (tree / "dags" / "huge.txt").write_text("x" * 2_000)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "outside.txt").write_text("outside")
    os.symlink(outside / "outside.txt", tree / "link.txt")
    os.symlink(outside, tree / "linked")
    return tree


@pytest.fixture
def buffer(root):
    return EditBuffer(str(root), protected=PROTECTED, max_file_bytes=1_000)


@pytest.mark.parametrize("path", ESCAPES.values(), ids=ESCAPES.keys())
def test_no_path_leads_out_of_the_repository(buffer, path):
    with pytest.raises(ToolRefused):
        ReadFileTool(buffer).run({"path": path, "first_line": 1})
    with pytest.raises(ToolRefused):
        EditFileTool(buffer).run({"path": path, "old": "", "new": "x"})
    assert buffer.edits() == ()


@pytest.mark.parametrize("path", ["dags/binary.bin", "dags/latin.txt", "dags/huge.txt"])
def test_a_file_that_is_no_small_text_is_refused(buffer, path):
    with pytest.raises(ToolRefused):
        ReadFileTool(buffer).run({"path": path, "first_line": 1})


def test_a_pipe_is_not_opened(root, buffer):
    os.mkfifo(root / "dags" / "pipe")
    with pytest.raises(ToolRefused, match="regular file"):
        ReadFileTool(buffer).run({"path": "dags/pipe", "first_line": 1})


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", ".github/new.yml", "dags/CODEOWNERS"])
def test_a_protected_path_can_be_named_but_not_edited(buffer, path):
    with pytest.raises(ToolRefused, match="protected"):
        EditFileTool(buffer).run({"path": path, "old": "", "new": "x"})


def test_the_old_text_must_stand_exactly_once(buffer):
    tool = EditFileTool(buffer)
    with pytest.raises(ToolRefused, match="2 times"):
        tool.run({"path": "dags/a.py", "old": '"id"', "new": '"order_id"'})
    with pytest.raises(ToolRefused, match="0 times"):
        tool.run({"path": "dags/a.py", "old": "not there", "new": "x"})


def test_an_edit_stays_in_memory_and_is_read_back(root, buffer):
    EditFileTool(buffer).run({"path": "./dags//a.py", "old": "last = 1", "new": "last = 2"})
    assert "3\tlast = 2" in ReadFileTool(buffer).run({"path": "dags/a.py", "first_line": 1})
    assert "last = 1" in (root / "dags" / "a.py").read_text()
    (edit,) = buffer.edits()
    assert (edit.path, edit.before.count("last = 1"), edit.after.count("last = 2")) == ("dags/a.py", 1, 1)


def test_an_edit_that_is_taken_back_is_no_edit(buffer):
    tool = EditFileTool(buffer)
    tool.run({"path": "dags/a.py", "old": "last = 1", "new": "last = 2"})
    tool.run({"path": "dags/a.py", "old": "last = 2", "new": "last = 1"})
    assert buffer.edits() == ()


def test_a_new_file_is_created_once(buffer):
    tool = EditFileTool(buffer)
    tool.run({"path": "dags/new.py", "old": "", "new": "x = 1\n"})
    with pytest.raises(ToolRefused, match="exists"):
        tool.run({"path": "dags/new.py", "old": "", "new": "x = 2\n"})
    assert "dags/new.py" in ListFilesTool(buffer).run({"pattern": "*.py"})
    assert buffer.edits()[0].before is None


def test_a_placeholder_of_a_secret_is_never_written(buffer):
    with pytest.raises(ToolRefused, match="placeholder"):
        EditFileTool(buffer).run({"path": "dags/a.py", "old": "last = 1", "new": "p = '[secret:1:uri-password]'"})


def test_links_and_git_are_not_listed(buffer):
    listed = ListFilesTool(buffer).run({"pattern": "*"})
    assert "link" not in listed
    assert ".git/" not in listed
    assert "dags/a.py" in listed


def test_a_search_is_literal_and_tells_path_and_line(buffer):
    assert SearchCodeTool(buffer).run({"text": 'OTHER = "', "pattern": "dags/*"}) == 'dags/a.py:2: other = "id"'
    assert "no text file" in SearchCodeTool(buffer).run({"text": "(a+)+$", "pattern": "*"})
