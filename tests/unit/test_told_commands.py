"""Every ``airflow agentic ...`` that a message, a page or a document tells a person to run exists, options included."""

import re
from pathlib import Path

import pytest
from airflow.cli.cli_config import GroupCommand

from airflow_agentic.cli.definition import get_agentic_cli_commands

ROOT = Path(__file__).parents[2]
TOLD = re.compile(r"airflow agentic ((?:[a-z][a-z-]*(?: |$|(?=[^a-z-])))+)([^`\n\"]*)")
PLACES = [
    *ROOT.glob("airflow_agentic/**/*.py"), *ROOT.glob("airflow_agentic/**/*.j[s2]"), *ROOT.glob("docs/*.md"),
    ROOT / "README.md", ROOT / "CHANGELOG.md",
]  # fmt: skip


def flat(command, before=()):
    here = (*before, command.name)
    if isinstance(command, GroupCommand):
        for below in command.subcommands:
            yield from flat(below, here)
    else:
        yield here[1:], {flag for arg in command.args for flag in arg.flags}


COMMANDS = dict(flat(get_agentic_cli_commands()[0]))


def told(places):
    for place in places:
        text = re.sub(r"\"\s*\n\s*f?\"", "", place.read_text(encoding="utf-8"))
        for found in TOLD.finditer(text):
            yield place.name, found[1].split(), found[2]


def wrong(places):
    """Return those that do not exist, or not with that option."""
    for place, words, rest in told(places):
        groups = [path for path in COMMANDS if path[: len(words)] == tuple(words) or tuple(words[: len(path)]) == path]
        whole = [path for path in groups if tuple(words[: len(path)]) == path]
        flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", re.split(r"[;.,)] ", rest)[0]))
        if not groups or (whole and flags - COMMANDS[whole[0]]):
            yield f"{place}: airflow agentic {' '.join(words)} {rest[:60]}"


def test_every_command_that_is_told_exists_with_its_options():
    assert len(list(told(PLACES))) > 60
    assert list(wrong(PLACES)) == []


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("rollbak x", 1),
        ("incidents --dag x", 1),
        ("incidents --dag-id x", 0),
        ("ledger verify", 0),
        ("ledger prove", 1),
    ],
)
def test_one_that_does_not_exist_is_seen(said, found, tmp_path):
    (tmp_path / "said.md").write_text(f"`airflow agentic {said}`")
    assert len(list(wrong([tmp_path / "said.md"]))) == found
