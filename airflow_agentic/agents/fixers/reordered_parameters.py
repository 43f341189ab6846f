"""A commit put a function's parameters into another order and left callers as they were → the callers follow.

Certain means: a recent diff replaces the one header by the other with the same parameters, the failure runs through
that function, and a call hands its arguments over in the old order: their own names say so, or the call stands in the
traceback and the commit did not touch it.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.fixers.reverted_commit import diffs, hunks
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.parameter_orders import Order, calls_of, fitting, orders_of
from airflow_agentic.agents.mending.syntax import Code, compiles, parse


def fix(bench: Bench) -> Fix | None:
    """Return the calls of the one reordered function that the failure runs through."""
    changed = diffs(bench)
    orders = {o for item in changed.values() for _, new, old in hunks(item.body) for o in orders_of(new, old)}
    told = [order for order in orders if _runs_through(bench, order.function)]
    if len(told) != 1:
        return None
    order = told[0]
    texts = {}
    for path in bench.python_files():
        code = parse(bench.text(path)) if order.function in (bench.text(path) or "") else None
        touched = _added(changed[path].body) if code and path in changed else set()
        code = None if path in _cut(bench) else code
        pieces = (
            [p for call in calls_of(code, order) if (p := _piece(bench, path, code, call, order, touched))]
            if code
            else []
        )
        text = code.splice(pieces) if code and pieces else None
        if text is not None and compiles(text):
            texts[path] = text
    if not texts:
        return None
    return Fix(
        texts=tuple(texts.items()),
        file=next(iter(texts)),
        summary=f"Call {order.function} with its arguments in the new order"[:100],
        explanation=f"A recent commit put the parameters of `{order.function}` into the order ({', '.join(order.new)}) and left callers that hand them over as ({', '.join(order.old)}). They follow now.",
    )


def _cut(bench: Bench) -> set[str]:
    """Files of which only the beginning of the diff is known: what it did to a call cannot be told."""
    told = [item for item in bench.dossier.evidence if item.source == "code" and item.body.endswith("... cut")]
    return {item.path for item in told if item.path and item.title.startswith("Diff of ")}


def _runs_through(bench: Bench, function: str) -> bool:
    call = re.compile(rf"\b{re.escape(function)}\s*\(")
    frames = bench.error.frames if bench.error else ()
    said = [item.body for item in bench.dossier.evidence if item.source == "task_log"][:1]
    return any(f.function == function or call.search(f.code) for f in frames) or any(
        re.search(rf"\bin {re.escape(function)}$", text, re.MULTILINE) for text in said
    )


def _added(diff: str) -> set[int]:
    return {line for start, new, _ in hunks(diff) for line in range(start, start + len(new))}


def _piece(
    bench: Bench, path: str, code: Code, call: ast.Call, order: Order, touched: set[int]
) -> tuple[tuple[int, int], str] | None:
    """Return the arguments of one call in the new order; None where they are, or may be, in it already."""
    count = len(call.args)
    if count < 2 or set(order.old[:count]) != set(order.new[:count]) or order.old[:count] == order.new[:count]:
        return None
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return None
    as_old, as_new = fitting(call, order)
    if as_new >= as_old and (as_new or not _is_in_frames(bench, path, call)):
        return None
    if not as_old and touched & set(range(call.lineno, (call.end_lineno or call.lineno) + 1)):
        return None
    sources = [code.source(call.args[order.old.index(name)]) for name in order.new[:count]]
    span = (code.span(call.args[0])[0], code.span(call.args[-1])[1])
    return span, ", ".join(sources)


def _is_in_frames(bench: Bench, path: str, call: ast.Call) -> bool:
    lines = range(call.lineno, (call.end_lineno or call.lineno) + 1)
    return any(own == path and frame.line in lines for own, frame in bench.own())
