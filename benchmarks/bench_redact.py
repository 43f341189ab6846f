"""Redaction: what it misses by class, what it alters that is no secret, and how fast it is.

    python benchmarks/bench_redact.py [--clean FILE ...] [--cases FILE]

``--clean`` are texts without secrets (logs); ``--cases`` is a JSON list of ``{"rule", "text", "secret"}`` from
anybody's detector, for a recall that we did not tune. Without them: the lines of our own tests.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "unit"))

from encodings_of import encodings
from secret_lines import CLEAN, SECRETS

from airflow_agentic.guardrails.redact import SpanRedactor

IDS = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})\b")
LOG_LINE = "[2026-11-02, 04:00:0{} UTC] {{taskinstance.py:1225}} INFO - Marking task as FAILED. dag_id=orders, run 0c6b6dd0-2f0c-4a5e-9a34-0f6f0f0f0f0f\n"


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--clean", nargs="*", default=[])
    arguments.add_argument("--cases")
    given = arguments.parse_args()
    print("Recall on our own lines (tuned on them):")
    for kind, block in SECRETS.items():
        print(f"  {kind:24} {_share(_found(line) for line in block.strip().splitlines())}")
    if given.cases:
        print("Recall on cases of others:")
        kinds = defaultdict(list)
        for case in json.loads(Path(given.cases).read_text()):
            clean = SpanRedactor().redact(case["text"])
            kinds[case.get("src", "all")].append(
                case["secret"] not in clean if case["secret"] else clean != case["text"]
            )
        for kind, hits in kinds.items():
            print(f"  {kind:24} {_share(hits)}")
    _encodings()
    _altered({"lines of diagnoses": CLEAN, **{path: Path(path).read_text(errors="replace") for path in given.clean}})
    _speed()


def _found(line: str) -> bool:
    line = line.replace("⏎", "\n")
    text = line.replace("«", "").replace("»", "")
    clean = SpanRedactor().redact(text)
    return all(clean.count(secret) < text.count(secret) for secret in re.findall("«(.*?)»", line, re.DOTALL))


def _encodings() -> None:
    for value in ('pa$$ w/rd"é-17', "wJalrXUtnFEMI/K7MDENG+bPxRfiCY", "S3cret'Quote\"Back\\slash"):
        redactor = SpanRedactor([value])
        print(
            f"Encodings of {value!r}: {_share(said not in redactor.redact(f'a {said} b') for said in encodings(value).values())}"
        )


def _altered(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        clean = SpanRedactor().redact(text)
        lines = list(zip(text.split("\n"), clean.split("\n"), strict=False))
        lost = len(IDS.findall(text)) - len(IDS.findall(clean))
        print(f"Altered in {name}: {sum(a != b for a, b in lines)} of {len(lines)} lines; ids lost: {lost}")


def _speed() -> None:
    text = "".join(LOG_LINE.format(number % 10) for number in range(7_000))
    base = 0.0
    for count in (0, 1, 5, 50, 200):
        redactor = SpanRedactor([f"registered-{number * 7919}-value" for number in range(count)])
        begun = time.process_time()
        redactor.redact(text)
        took = time.process_time() - begun
        base = base or took
        print(
            f"Speed with {count:3} registered values: {len(text) / took / 1e6:.2f} MB/s, {took / base:.1f} times none"
        )


def _share(hits: object) -> str:
    all_of = list(hits)
    return f"{sum(all_of)} of {len(all_of)} ({sum(all_of) / max(1, len(all_of)):.3f})"


if __name__ == "__main__":
    main()
