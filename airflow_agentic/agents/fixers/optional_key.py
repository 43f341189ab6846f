"""Some records lack a field, and the code elsewhere reads it with a default → read it with that default here too.

Certain means: the landed data lacks the field in some records, and every other read of it in the repository gives
one and the same default. What a missing value means is then the team's own word, and no guess.
"""

from __future__ import annotations

from airflow_agentic.agents.fixers.renamed_field import missing_key
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.syntax import compiles, parse


def fix(bench: Bench) -> Fix | None:
    """Return the tolerant reads in the function that failed."""
    key = missing_key(bench)
    absent = [c for c in bench.changes() if c.kind == "nulls" and c.path.rsplit(".", 1)[-1] == key and c.now != "100%"]
    if key is None or not absent:
        return None
    defaults: set[str] = set()
    for path in bench.python_files():
        code = parse(bench.text(path))
        defaults |= {
            code.source(s.default) if s.default else "None"
            for s in (code.steps() if code else ())
            if code and s.key == key and s.is_get
        }
    if len(defaults) != 1:
        return None
    default = defaults.pop()
    for path, frame in bench.own()[:1]:
        code = parse(bench.text(path))
        if code is None or not bench.editable(path):
            return None
        scope = code.scope_at(frame.line)
        reads = [s for s in code.steps() if s.key == key and not s.is_get and code.scope(s.node) is scope]
        text = code.splice(
            (code.span(s.node), f"{code.source(s.base)}.get({code.source(s.node.slice)}, {default})")  # type: ignore[attr-defined]
            for s in reads
        )
        if reads and compiles(text):
            return Fix(
                texts=((path, text),),
                file=path,
                fields=(key,),
                summary=f"Read {key} with the default that the rest of the code gives it"[:100],
                explanation=f"`{key}` is absent in some records. The rest of the code reads it with `{default}` where it is; now this place does too.",
            )
    return None
