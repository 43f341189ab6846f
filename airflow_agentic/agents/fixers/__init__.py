"""Fixers: one module per class of fault, each `fix(bench)` → a `Fix` it is certain of, or None. ``rules.py`` has their order."""
