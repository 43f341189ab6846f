"""Secrets in text → where they stand. Patterns, words and encodings; who applies them is guardrails/redact.py."""
