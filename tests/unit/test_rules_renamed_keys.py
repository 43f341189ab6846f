"""A key of a configuration file that a commit renamed: the reader or the section that was forgotten follows."""

from __future__ import annotations

import pathlib

import pytest
from failing_pipeline import KEY, apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Evidence, Proposal, Trust
from airflow_agentic.tracebacks import parse_tracebacks, root_error

INI = "; where\n[hours]\nfolder = hr\nfile_pattern = h-{day}.csv\n\n[pay]\nfolder = hr\nfile_pattern = p-{day}.txt\n"
OF_INI = "@@ -4 +4 @@\n-pattern = h-{day}.csv\n+file_pattern = h-{day}.csv\n@@ -8 +8 @@\n-pattern = p-{day}.txt\n+file_pattern = p-{day}.txt\n"
OF_JSON = '@@ -3 +3 @@\n-    "pattern": "p-{day}.txt"\n+    "file_pattern": "p-{day}.txt"\n'
OF_YAML = "@@ -3 +3 @@\n-  pattern: p-{day}.txt\n+  file_pattern: p-{day}.txt\n"
READ_INI = "import configparser, pathlib\n\ndef sources(folder):\n    parser = configparser.ConfigParser(interpolation=None)\n    parser.read(pathlib.Path(folder) / 'config/sources.ini')\n    return parser\n\n"
OTHER = '\ndef hours(folder):\n    source = sources(folder)["hours"]\n    return source["file_pattern"]\n'
OF_OTHER = '@@ -14 +14 @@\n-    return source["pattern"]\n+    return source["file_pattern"]\n'

FORGOTTEN = {
    "a section by a local name": (
        "config/sources.ini", INI, OF_INI,
        READ_INI + 'def main(folder):\n    source = sources(folder)["pay"]\n    return source["folder"] + source["pattern"].format(day=1)\n',
        1,
    ),
    "section and option in one call": (
        "config/sources.ini", INI, OF_INI,
        READ_INI + "def main(folder):\n    return sources(folder).get('pay', 'pattern').format(day=1)\n",
        1,
    ),
    "by a function of the pipeline": (
        "config/sources.ini", INI, OF_INI,
        READ_INI + 'def option(folder, section, key):\n    return sources(folder)[section][key]\n\ndef main(folder):\n    return option(folder, "pay", "pattern").format(day=1)\n',
        1,
    ),
    "JSON that gives nothing": (
        "config/sources.json", '{\n  "pay": {\n    "file_pattern": "p-{day}.txt"\n  }\n}\n', OF_JSON,
        'import json, pathlib\n\ndef main(folder):\n    config = json.loads((pathlib.Path(folder) / "config/sources.json").read_text())\n    pattern = config["pay"].get("pattern")\n    return pattern.format(day=1)\n',
        1,
    ),
    "YAML, in all places that were forgotten": (
        "config/sources.yaml", "pay:\n  folder: hr\n  file_pattern: p-{day}.txt\n", OF_YAML,
        'import pathlib\nimport yaml\n\ndef read(folder):\n    return yaml.safe_load((pathlib.Path(folder) / "config/sources.yaml").read_text())\n\ndef main(folder):\n    return read(folder)["pay"]["pattern"].format(day=1)\n\ndef again(folder, row):\n    return read(folder)["pay"]["pattern"] + row["pattern"]\n',
        2,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("config", "text", "diff", "code", "count"), FORGOTTEN.values(), ids=FORGOTTEN.keys())
def test_a_reader_that_a_renaming_commit_forgot_asks_for_the_new_key(tmp_path, config, text, diff, code, count):  # type: ignore[no-untyped-def]
    edits = apply(tmp_path, _proposed(tmp_path, config, text, diff, code + OTHER))
    assert [edit.path for edit in edits] == ["main.py"]
    assert result_of(tmp_path, str(tmp_path)).endswith("p-1.txt")
    now = (tmp_path / "main.py").read_text()
    assert now.count("file_pattern") == (code + OTHER).count("file_pattern") + count


def test_a_section_that_a_renaming_commit_forgot_gets_the_new_key(tmp_path: pathlib.Path):
    text = INI.replace("file_pattern = p", "pattern = p")
    code = READ_INI + 'def main(folder):\n    return sources(folder)["pay"]["file_pattern"].format(day=1)\n'
    edits = apply(tmp_path, _proposed(tmp_path, "config/sources.ini", text, OF_INI, code + OTHER))
    assert [(edit.path, edit.after) for edit in edits] == [("config/sources.ini", INI)]
    assert result_of(tmp_path, str(tmp_path)) == "p-1.txt"


LOOP = 'def main(folder):\n    return [sources(folder)["pay"][key] for key in ("folder", "pattern")]\n'
READ = 'def main(folder):\n    return sources(folder)["pay"]["pattern"]\n'
OPEN = {
    "the key is in a list": (LOOP, {}, OF_INI),
    "another place has the old name": (READ, {"config/test.ini": INI.replace("file_pattern", "pattern")}, OF_INI),
    "two keys took its place": (READ, {}, f"{OF_INI}@@ -9 +9 @@\n-pattern = x\n+folder = x\n"),
    "it is no option of the parser": (
        'def main(folder):\n    sources(folder).get("pay", str("pattern"))\n',
        {},
        OF_INI,
    ),
    "the value changed as well": (READ, {}, OF_INI.replace("-pattern = ", "-pattern = x")),
}


@pytest.mark.parametrize(("code", "more", "diff"), OPEN.values(), ids=OPEN.keys())
def test_what_is_not_sure_is_left_and_no_other_reader_is_taken_back(tmp_path, code, more, diff):  # type: ignore[no-untyped-def]
    proposal = _proposed(tmp_path, "config/sources.ini", INI, diff, READ_INI + code, more=more)
    assert proposal.change is None


def test_a_field_of_the_data_with_the_name_is_no_key(tmp_path: pathlib.Path):
    code = "def main(rows):\n    return [row['pattern'] for row in rows]\n"
    (tmp_path / "config").mkdir()
    (tmp_path / "config/sources.ini").write_text(INI)
    good = [{"pattern": "a", "n": i} for i in range(5)]
    bad = [{"n": i} for i in range(5)]
    dossier = dossier_of(tmp_path, {"main.py": code}, good, bad, evidence=_told("config/sources.ini", OF_INI))
    assert RulesAgent().propose(dossier).change is None


def _proposed(  # type: ignore[no-untyped-def]
    folder: pathlib.Path, config: str, text: str, diff: str, code: str, *, more=()
) -> Proposal:
    files = {config: text, "main.py": code, "hours.py": READ_INI + OTHER, **dict(more)}
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    printed = failure_of(folder, str(folder))
    error = root_error(KEY, parse_tracebacks(str(printed).splitlines()))
    evidence = (*_told(config, diff), *_told("hours.py", OF_OTHER))
    return RulesAgent().propose(dossier_of(folder, files, None, None, error=error, evidence=evidence))


def _told(path: str, diff: str) -> tuple[Evidence, ...]:
    title = f"Diff of {path} in the recent history, commit abc1234567"
    return (
        Evidence(id="E9", source="code", title=title, body=diff, observed_at="", trust=Trust.REPOSITORY, path=path),
    )
