"""What the warm process has imported, and a repository that has a module of the same name."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from airflow_agentic.workspaces.sandbox import INSIDE


@pytest.fixture(scope="module")
def warm() -> ModuleType:
    spec = importlib.util.spec_from_file_location("warm_under_test", Path(INSIDE, "warm.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
