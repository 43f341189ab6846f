"""A Jinja template names a variable that it is not given, and one that it is given is the same word → that one."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from airflow_agentic.agents.mending.bench import Bench, Fix

_UNDEFINED = re.compile(r"UndefinedError: '(?P<name>\w+)' is undefined")
MOVED = {
    "execution_date": "logical_date",
    "next_ds": "data_interval_end | ds",
    "prev_ds": "prev_data_interval_start_success | ds",
    "yesterday_ds": "macros.ds_add(ds, -1)",
    "tomorrow_ds": "macros.ds_add(ds, 1)",
    "next_ds_nodash": "data_interval_end | ds_nodash",
    "next_execution_date": "data_interval_end",
}
KNOWN = (
    "ds",
    "ds_nodash",
    "ts",
    "ts_nodash",
    "ts_nodash_with_tz",
    "logical_date",
    "data_interval_start",
    "data_interval_end",
    "dag",
    "dag_run",
    "task",
    "params",
    "run_id",
    "macros",
    "var",
    "conn",
    "ti",
    "task_instance",
    "task_instance_key_str",
    "prev_data_interval_start_success",
    "prev_data_interval_end_success",
    "prev_start_date_success",
    "triggering_asset_events",
    "map_index_template",
    "inlets",
    "outlets",
)


def fix(bench: Bench) -> Fix | None:
    """Return the change of the one file whose template names the variable."""
    match = next((m for text in bench.messages if (m := _UNDEFINED.search(text))), None)
    if match is None:
        return None
    name = match["name"]
    new = MOVED.get(name) or _near(name)
    if new is None:
        return None
    use = re.compile(r"(\{\{-?\s*)" + re.escape(name) + r"(?=[\s.|}\[(])")
    found = []
    for path in bench.all_files():
        if bench.editable(path) and path.endswith(
            (".py", ".sql", ".sh", ".json", ".yaml", ".yml", ".j2", ".hql", ".txt")
        ):
            text = bench.text(path)
            if text is not None and use.search(text):
                found.append((path, use.sub(lambda m: m[1] + new, text)))
    if len(found) != 1:
        return None
    return Fix(
        texts=(found[0],),
        file=found[0][0],
        summary=f"Use {new} for the undefined template variable {name}"[:100],
        explanation=f"The template names `{name}`, which Airflow does not give it; `{new}` is what it has.",
    )


def _near(name: str) -> str | None:
    scored = sorted(((SequenceMatcher(None, name, k).ratio(), k) for k in KNOWN), reverse=True)
    squeezed = [k for k in KNOWN if k.replace("_", "") == name.replace("_", "").lower()]
    if len(squeezed) == 1:
        return squeezed[0]
    return scored[0][1] if scored[0][0] >= 0.88 and scored[0][0] - scored[1][0] >= 0.08 else None
