"""What the warm process has imported, and a repository that has a module of the same name."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import create_engine

from airflow_agentic.workspaces.sandbox import INSIDE


def _inside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_under_test", Path(INSIDE, f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def warm() -> ModuleType:
    return _inside("warm")


def test_only_the_forks_own_database_waits_for_no_disk(tmp_path: Path) -> None:
    own, other = (create_engine(f"sqlite:///{tmp_path}/{name}.db") for name in ("own", "other"))
    _inside("harness")._forget_soon(own)
    found = []
    for engine in (own, other):
        with engine.connect() as connection:
            found.append(
                [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "journal_mode")]
            )
        engine.dispose()
    assert found == [[0, "memory"], [2, "delete"]]


@pytest.mark.parametrize("own", ["duckdb.py", "duckdb/__init__.py"])
def test_a_repositorys_own_module_comes_before_the_imported_one(
    warm: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str
) -> None:
    for name in ("duckdb", "duckdb.functional", "requests"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    (tmp_path / own).parent.mkdir(exist_ok=True)
    (tmp_path / own).write_text("")
    warm.forget_shadowed((str(tmp_path),))
    assert "duckdb" not in sys.modules and "duckdb.functional" not in sys.modules
    assert "requests" in sys.modules
