"""The workspace's secrets backend: what the staging map gave, and a refusal that says what is missing.

Airflow asks a configured backend first, so nothing else is ever asked for a connection. Imported inside the
sandbox from this folder alone: standard library and Airflow only.
"""

from __future__ import annotations

import os

from airflow.sdk.exceptions import AirflowSecretsBackendAccessDenied
from airflow.secrets import BaseSecretsBackend


class StagingSecrets(BaseSecretsBackend):
    """Connections and Variables of the staging map; an unmapped connection is refused by name."""

    def get_conn_value(self, conn_id: str, team_name: str | None = None) -> str:
        """Return the staging connection. :raises AirflowSecretsBackendAccessDenied: the map has none."""
        value = os.environ.get(f"AIRFLOW_CONN_{conn_id.upper()}")
        if value is None:
            raise AirflowSecretsBackendAccessDenied(
                f"no staging connection for {conn_id!r}: add it to the agentic connection's staging map"
            )
        return value

    def get_variable(self, key: str, team_name: str | None = None) -> str | None:
        """Return the staging Variable, or None: a Dag may have a default for it."""
        return os.environ.get(f"AIRFLOW_VAR_{key.upper()}")
