"""What a session was built from → the environment of its runs: allow-list, staging map, Airflow's settings."""

from __future__ import annotations

import os

from airflow_agentic.workspaces.staging import Staging


class About:
    """What a session was built from, and the environment that its runs get."""

    def __init__(
        self,
        *,
        python: str,
        dags_path: str,
        base_commit: str,
        layers: tuple[tuple[str, str], ...],
        tools: frozenset[str],
        readable: tuple[str, ...] = (),
    ) -> None:
        self.python = python
        self.dags_path = dags_path
        self.base_commit = base_commit
        self.layers = layers
        self.tools = tools
        self.readable = readable

    def environment_of(self, staging: Staging, *, repository: str, data: str, home: str) -> dict[str, str]:
        """Return the whole environment of one run: the allow-list, the staging map, Airflow's settings."""

        def filled(value: str) -> str:
            return value.replace("{data}", data).replace("{repository}", repository)

        given = {name: filled(value) for name, value in staging.environment}
        given |= {f"AIRFLOW_CONN_{name.upper()}": filled(value) for name, value in staging.connections}
        given |= {f"AIRFLOW_VAR_{name.upper()}": filled(value) for name, value in staging.variables}
        dags = os.path.normpath(os.path.join(repository, self.dags_path))
        return {**basic_environment(self.python, home), **given, **_airflow_settings(home, dags)}


def basic_environment(python: str, home: str) -> dict[str, str]:
    """Return the allow-list: what every process of a workspace has, and nothing of the worker's."""
    return {
        "PATH": f"{os.path.dirname(python)}:/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "USER": "staging",
        "LOGNAME": "staging",
        "TMPDIR": f"{home}/tmp",
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        **_airflow_settings(home, home),
    }


def _airflow_settings(home: str, dags: str) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": home,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__CORE__DAGS_FOLDER": dags,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACK_DEPTH": "40",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__LOGGING__JSON_LOGS": "True",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": f"{home}/logs",
        "AIRFLOW__OPENLINEAGE__DISABLED": "True",
        "AIRFLOW__AGENTIC__LISTENER": "False",
        "AIRFLOW__SECRETS__BACKEND": "agentic_staging_secrets.StagingSecrets",
        "AIRFLOW__METRICS__STATSD_ON": "False",
        "AIRFLOW__SENTRY__SENTRY_ON": "False",
    }
