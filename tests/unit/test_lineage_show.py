"""One command names the column, the Dag and the run that renamed it: the commands themselves, on captured events."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from airflow_agentic.cli import lineage_ask, lineage_intake
from airflow_agentic.cli.definition import get_agentic_cli_commands

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openlineage"


def arguments(*line: str) -> argparse.Namespace:
    """Parse a line as ``airflow agentic lineage`` does."""
    parser = argparse.ArgumentParser()
    of_group = parser.add_subparsers()
    group = next(c for c in get_agentic_cli_commands()[0].subcommands if c.name == "lineage")
    for command in group.subcommands:
        of_command = of_group.add_parser(command.name)
        for arg in command.args:
            arg.add_to_parser(of_command)
    return parser.parse_args(line)


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__AGENTIC__STORE_URL", f"sqlite:///{tmp_path}/store.db")
    lineage_intake.take(arguments("import", str(FIXTURES / "af33-schema-drift-rename")))


def asked(capsys: pytest.CaptureFixture[str], question: Any, *line: str) -> list[dict[str, str]]:
    capsys.readouterr()
    question(arguments(*line, "--output", "json"))
    rows: list[dict[str, str]] = json.loads(capsys.readouterr().out)
    return rows


@pytest.mark.usefixtures("imported")
def test_one_command_names_the_column_the_dag_and_the_run_that_renamed_it(capsys: pytest.CaptureFixture[str]) -> None:
    first = asked(capsys, lineage_ask.column, "column", "shop_elt.staging.stg_orders")[0]
    assert (first["what"], first["column"], first["now"]) == ("renamed", "amount", "amount_usd")
    assert first["dataset"] == "shop.raw.orders"
    assert "Dag vendor_migration, job vendor_migration.rename_amount" in first["by"]
    assert first["by"].endswith("run manual__2026-11-22T06:21:21.607500+00:00")
    assert "statement: ALTER TABLE raw.orders RENAME COLUMN amount TO amount_usd" in first["detail"]
    above = asked(capsys, lineage_ask.upstream, "upstream", "shop_elt.staging.stg_orders")
    assert {"shop.raw.orders", "vendor_migration.rename_amount"} <= {row["name"] for row in above}
