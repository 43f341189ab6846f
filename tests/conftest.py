"""Fixtures that any test may ask for. Its place also makes this folder's modules importable."""

from fixtures_postgres import postgres_server, postgres_url
from hypothesis import HealthCheck, settings

__all__ = ["postgres_server", "postgres_url"]

# A busy machine is no defect of ours: time is measured in benchmarks/.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
