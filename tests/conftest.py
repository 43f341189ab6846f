"""Fixtures that any test may ask for. Its place also makes this folder's modules importable."""

import gc

from fixtures_postgres import postgres_server, postgres_url
from hypothesis import HealthCheck, settings

__all__ = ["postgres_server", "postgres_url"]

# A busy machine is no defect of ours: time is measured in benchmarks/.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_configure() -> None:
    """Collect garbage seldom: half a million objects of Airflow and of the tests are looked at each time."""
    gc.set_threshold(50_000, 20, 100)


def pytest_collection_finish() -> None:
    """Leave alone for good what was there before the first test."""
    gc.freeze()
