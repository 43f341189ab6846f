"""Fixtures that any test may ask for. Its place also makes this folder's modules importable."""

from fixtures_postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]
