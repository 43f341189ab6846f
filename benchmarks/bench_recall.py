"""Plant other people's cause lines in other systems' chatter, distil, and count what is kept within 4,000 tokens.

    python benchmarks/bench_recall.py [--half tuning|held|fresh|strangers] [--kilobytes 1500] [--lost]

Causes: ``data/cause_lines_2.txt``; chatter: ``chatter.py``. Both were collected before the algorithm was changed, and are split
in two: threads and kinds at odd places may be looked at while tuning, those at even places are scored once per landed change.
Each cause is planted once in each kind of chatter of its half, as INFO, WARNING and ERROR, at a random place.
``fresh``: ``data/cause_lines_3.txt``, of other kinds, in all kinds of chatter. ``strangers``: another writer's, likewise.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from chatter import KINDS, chatter, record

from airflow_agentic.context.logs.distil import distil

KEPT_CHARS = 16_000


def fresh_causes() -> list[str]:
    """Return the lines of the third file: all of them, planted in every kind of chatter."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "cause_lines_3.txt")
    with open(path, encoding="utf-8") as text:
        return [line.rstrip("\n") for line in text if line.strip() and not line.startswith("#")]


def strangers_causes() -> list[str]:
    """Return what a writer who had not read the code took for causes; some are several lines."""
    path = os.path.join(
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests/evals/strangers/causes.jsonl"
    )
    with open(path, encoding="utf-8") as text:
        return [json.loads(line)["cause"] for line in text]


def causes(half: str) -> list[str]:
    """Return the lines of every other thread."""
    if half == "strangers":
        return strangers_causes()
    if half == "fresh":
        return fresh_causes()
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "cause_lines_2.txt")
    threads: list[list[str]] = []
    with open(path, encoding="utf-8") as text:
        for line in text:
            if line.startswith("# ") and "#" in line[2:]:
                threads.append([])
            elif line.strip() and not line.startswith("#"):
                threads[-1].append(line.rstrip("\n"))
    return [cause for thread in threads[0 if half == "tuning" else 1 :: 2] for cause in thread]


def kinds(half: str) -> list[str]:
    """Return every other kind of chatter; for the fresh lines all of them."""
    return list(KINDS) if half in ("fresh", "strangers") else list(KINDS)[0 if half == "tuning" else 1 :: 2]


def main() -> None:
    """Print a row for each level, and where INFO lines were lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("tuning", "held", "fresh", "strangers"), default="tuning")
    parser.add_argument("--kilobytes", type=int, default=1500)
    parser.add_argument("--levels", default="ERROR,WARNING,INFO")
    parser.add_argument("--sample", type=float, default=1.0, help="share of the pairs of cause and chatter, by chance")
    parser.add_argument("--lost", action="store_true", help="name the lines that were lost")
    options = parser.parse_args()
    dice, lines = random.Random(17), causes(options.half)
    levels = options.levels.split(",")
    kept, total = Counter[str](), 0
    lost_in, lost = Counter[str](), Counter[str]()
    for kind in kinds(options.half):
        body = chatter(kind, options.kilobytes * 1000, seed=9)
        for cause in lines:
            at = dice.randrange(len(body))
            if dice.random() >= options.sample:
                continue
            total += 1
            for level in levels:
                log = [*body[:at], record(level.lower(), cause, at), *body[at:]]
                found = _shown(cause, distil(log, budget_chars=KEPT_CHARS).text)
                kept[level] += found
                kept[f"{level} last 16k"] += cause.encode() in b"".join(log[-300:])[-KEPT_CHARS:]
                if not found and level == "INFO":
                    lost_in[kind] += 1
                    lost[cause] += 1
    print(f"{options.half}: {len(lines)} causes in {len(kinds(options.half))} kinds of chatter, {total} logs a level")
    for level in levels:
        goal = 0.9 if level == "INFO" else 0.99
        share = kept[level] / total
        print(
            f"{level:<8} {kept[level]:>4}/{total} = {share:.1%}  (goal {goal:.0%}, {'met' if share >= goal else 'MISSED'};"
            f" last 16k characters: {kept[f'{level} last 16k']})"
        )
    print("lost as INFO by kind:", dict(lost_in.most_common()))
    if options.lost:
        for cause, times in lost.most_common():
            print(f"  {times:>3} {cause[:150]}")


def _shown(cause: str, text: str) -> bool:
    """Say whether a reader is shown it; JSON escapes of a record that could not be read do not count against it."""
    return cause in text or json.dumps(cause, ensure_ascii=False)[1:-1] in text


if __name__ == "__main__":
    main()
