"""A field is written in another form, far from where the failure shows → give the value its old form where it is read.

For a failure in a model, a check or a later Dag: the traceback does not name the read, the landed data names the
field. Also for a field with a new name *and* a new form. Certain means: `conversions` has one reading, and the code
reads the field by a literal key from that kind of record. Data in the old form gives the same as before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.conversions import NUMBERS, Conversion, conversion, counted_otherwise, noughts
from airflow_agentic.agents.mending.country_names import country_names
from airflow_agentic.agents.mending.documented_code import documented_code
from airflow_agentic.agents.mending.field_moves import FieldMove
from airflow_agentic.agents.mending.listed_value import listed_value, whole_value
from airflow_agentic.agents.mending.named_units import contradicted, reading
from airflow_agentic.agents.mending.no_value import empty_text, no_value
from airflow_agentic.agents.mending.numbered_code import numbered_code
from airflow_agentic.agents.mending.parse_sites import Helper, helper, is_delimited, near_files, with_helper
from airflow_agentic.agents.mending.record_uses import UseFinder, is_later, is_of_frame
from airflow_agentic.agents.mending.respelled_word import respelled
from airflow_agentic.agents.mending.said_flag import said_flag
from airflow_agentic.agents.mending.said_unit import said_units
from airflow_agentic.agents.mending.scaled_field import scaled
from airflow_agentic.agents.mending.syntax import Code, Step, compiles, is_pure, literal, parse
from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.shape_changes import name_tokens
from airflow_agentic.unit_words import CURRENCIES

_KEY = re.compile(r"KeyError: ['\"](?P<key>[^'\"]+)['\"]$|no attribute ['\"](?P<attribute>\w+)['\"]$")


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """One field, and what is done where it is read."""

    dataset: str
    level: str
    """Path of the record or object that holds it, empty or ending in a point."""
    old: str
    new: str
    how: Conversion

    @property
    def told(self) -> str:
        """What the data does now, for people."""
        place = f"`{self.level}{self.old}`"
        return (
            f"{place} is now {self.how.words}"
            if self.old == self.new
            else f"{place} is now `{self.new}`, {self.how.words}"
        )


def fix(bench: Bench) -> Fix | None:
    """Return the change at every read of the converted fields, in the files near the failure or else anywhere."""
    changes = [c for name in dict.fromkeys(s.name for s in bench.dossier.shapes) for c in field_changes(bench, name)]
    key = next((m["key"] or m["attribute"] for t in bench.messages if (m := _KEY.search(t.strip()))), None)
    if any(c.old == key and c.new != c.old for c in changes):
        changes = [c for c in changes if c.dataset in {d.dataset for d in changes if d.old == key}]
    elif key is not None or not changes:
        changes = [c for c in changes if c.old == c.new and c.old in _said(bench)]
    else:
        changes = [c for c in changes if c.old == c.new]
    for paths in (near_files(bench), bench.python_files()):
        texts, done = _rewritten(bench, paths, changes)
        if texts:
            return Fix(
                texts=tuple(texts.items()),
                file=next(iter(texts)),
                fields=tuple(f"{c.level}{c.old}" for c in done),
                summary=f"Read {done[0].old} in its new form as well"[:100],
                explanation=f"In {done[0].dataset} {' and '.join(dict.fromkeys(c.told for c in done))}. The code gives it its old form where it reads it; data in the old form gives the same as before.",
            )
    return None


def _said(bench: Bench) -> str:
    return " ".join((*bench.messages, *(frame.code for _, frame in bench.own()[:1])))


def field_changes(bench: Bench, name: str) -> list[FieldChange]:
    """Return the fields of a data set that come in another form, with the one conversion that gives the old form back."""
    good, failing = bench.good(name), bench.failing(name)
    if good is None or failing is None or not failing.records:
        return []
    now = {f.path: f for f in failing.fields}
    known = {f.path for f in good.fields}
    found: list[FieldChange] = []
    text_only, said = is_delimited(name), said_units(bench, good, failing)
    for old in good.fields:
        if old.path in now:
            how = (
                said.get(old.path)
                or listed_value(old, failing)
                or numbered_code(bench, name, old, now[old.path], text_only=text_only)
            )
            how = how or _same_place(old, now, failing, text_only=text_only)
            how = how or documented_code(bench, old, now[old.path], text_only=text_only)
            how = how or country_names(bench, old, now[old.path]) or respelled(bench, old, now[old.path])
            if how is None and _is_tripped_over(bench, old):
                how = said_flag(bench, old, now[old.path])
                how = how or (None if text_only else empty_text(old, now[old.path], failing.records))
            new = old.path
        else:
            how, new = whole_value(old, failing), old.path
            if how is None:
                how, new = _new_name(old, good, failing, known, text_only=text_only)
        if how is not None and not _in_other_money(bench, good, failing, new):
            level, _, leaf = old.path.rpartition(".")
            found.append(
                FieldChange(
                    dataset=name, level=f"{level}." if level else "", old=leaf, new=new.rpartition(".")[2], how=how
                )
            )
    return found + [
        FieldChange(dataset=name, level="", old=leaf, new=leaf, how=how)
        for leaf, how in scaled(good, failing, bench.messages).items()
        if leaf not in {c.old for c in found}
    ]


def _is_tripped_over(bench: Bench, field: FieldShape) -> bool:
    """Say whether the failure speaks of the field, or of what flags and empty texts turn into: few code minds those."""
    said = " ".join((*bench.messages, *(frame.code for _, frame in bench.own())))
    leaf = re.escape(field.path.rpartition(".")[2])
    return re.search(rf"None|null|bool|True|False|base 10: ''|float: ''|Input should be|\b{leaf}\b", said) is not None


def _in_other_money(bench: Bench, good: DataShape, failing: DataShape, path: str) -> bool:
    """Say whether a currency that stands beside the value now is another one than the code speaks of, or several."""
    units = {u.lower() for f in failing.fields if f.path.startswith(f"{path}.") for u in f.units}
    return any(contradicted(bench, (good, failing), CURRENCIES[unit]) for unit in units & set(CURRENCIES))


def _same_place(
    old: FieldShape, now: dict[str, FieldShape], failing: DataShape, *, text_only: bool
) -> Conversion | None:
    new = now[old.path]
    counted = counted_otherwise(old, new) or no_value(old, new, text_only=text_only)
    if counted is not None:
        return counted
    if set(new.types) <= set(old.types) and new.formats == old.formats:
        return noughts(old, new, failing.records)
    if (
        set(new.types) - {"null"} <= {*old.types, *(NUMBERS if set(old.types) & NUMBERS else ())}
        and "string" not in new.types
    ):
        return noughts(old, new, failing.records)
    inner = tuple(f for p, f in now.items() if p.startswith((old.path + ".", old.path + "[]")))
    return conversion(old, new, inner, text_only=text_only)


def _new_name(
    old: FieldShape, good: DataShape, failing: DataShape, known: set[str], *, text_only: bool
) -> tuple[Conversion | None, str]:
    """The one new field beside the one that is gone whose name has its words, and whose form gives the old one."""
    level = old.path.rpartition(".")[0]
    gone = [
        f for f in good.fields if f.path not in {x.path for x in failing.fields} and f.path.rpartition(".")[0] == level
    ]
    fresh = [f for f in failing.fields if f.path not in known and f.path.rpartition(".")[0] == level]
    words = set(name_tokens(old.path.rpartition(".")[2]))
    akin = [f for f in fresh if words & set(name_tokens(f.path.rpartition(".")[2]))]
    takers = akin or (fresh if len(gone) == len(fresh) == 1 else [])
    found = []
    for taker in takers:
        inner = tuple(f for f in failing.fields if f.path.startswith((taker.path + ".", taker.path + "[]")))
        how = conversion(old, taker, inner, text_only=text_only)
        read = reading(old, taker)
        if how is not None and read is not None and read.factor == 1.0 and not read.assumed:
            found.append((how, taker.path))
    return found[0] if len(found) == 1 else (None, "")


def _rewritten(
    bench: Bench, paths: tuple[str, ...], changes: list[FieldChange]
) -> tuple[dict[str, str], list[FieldChange]]:
    texts: dict[str, str] = {}
    done: list[FieldChange] = []
    for path in paths:
        text = bench.text(path)
        code = parse(text) if bench.editable(path) else None
        if code is None:
            continue
        pieces: dict[tuple[int, int], str] = {}
        helpers: list[Helper] = []
        for change in changes:
            reads = _reads(bench, path, code, change)
            if all(is_later(bench, path, code, read.node) for read in reads):
                continue
            known = _helper(code, change.how, helpers) if reads else None
            for read in reads:
                pieces[code.span(read.node)] = _expression(code, read, change, known.name if known else "")
            if reads:
                done.append(change)
                helpers += [known] if known and known not in helpers else []
        new = with_helper(code, list(pieces.items()), *helpers) if helpers else code.splice(pieces.items())
        if pieces and compiles(new):
            texts[path] = new
    return texts, list(dict.fromkeys(done))


def _helper(code: Code, how: Conversion, so_far: list[Helper]) -> Helper | None:
    """Return the helper of a conversion; two fields of one form share it, two forms of one kind get two names."""
    if not how.wanted:
        return None
    one = helper(code, how.wanted, how.text)
    same = next((h for h in so_far if h.text == how.text), None)
    if same is not None:
        return same
    taken = {h.name for h in so_far}
    name = one.name
    while name in taken:
        name += "_"
    return Helper(name=name, text=one.text, imports=how.imports)


def _reads(bench: Bench, path: str, code: Code, change: FieldChange) -> list[Step]:
    steps = f"{change.level}{change.old}".rsplit("[].", 1)[-1].split(".")
    level = f"{change.level}{change.old}"[: -len(".".join(steps))]
    shapes = [s for s in (bench.good(change.dataset), bench.failing(change.dataset)) if s]
    siblings = frozenset(
        f.path[len(level) :].split(".")[0].split("[")[0] for s in shapes for f in s.fields if f.path.startswith(level)
    )
    move = FieldMove(
        dataset=change.dataset, within=tuple(steps[:-1]), old=(steps[-1],), new=(change.new,), old_stays=False, siblings=siblings
    )  # fmt: skip
    uses = UseFinder(bench, path, code, move)
    return [
        s
        for s in code.steps()
        if s.key == change.old
        and is_pure(s.base)
        and uses.same_kind(s.base, s)
        and not _is_test(code, s)
        and not is_of_frame(code, s)
    ]


def _is_test(code: Code, read: Step) -> bool:
    """Within an f-string a splice is not safe on Python before 3.12."""
    node = code.parents.get(read.node)
    while node is not None and literal(node) is None:
        if node.__class__.__name__ == "JoinedStr":
            return True
        node = code.parents.get(node)
    return False


def _expression(code: Code, read: Step, change: FieldChange, name: str) -> str:
    source, base = code.source(read.node), code.source(read.base)
    mark = "'" if "'" in source and '"' not in source else '"'

    def made(value: str) -> str:
        return change.how.form.replace("{call}", name).replace("{base}", base).replace("{value}", value)

    if change.how.absent and not read.is_get:
        return made(f"{base}.get({mark}{change.old}{mark})")
    if change.old == change.new:
        return made(source)
    fresh = made(f"{base}[{mark}{change.new}{mark}]")
    return f"({source} if {mark}{change.old}{mark} in {base} else {fresh})"
