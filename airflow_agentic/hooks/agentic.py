"""The ``agentic`` connection → the scope that everything else is built from.

The connection holds no secret: it names others and sets limits. Its form in the Airflow UI is declared in
``get_provider_info.py``; what a field means stands in ``scope.py``.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseHook

from airflow_agentic.scope import Scope, read_scope


class AgenticHook(BaseHook):
    """Read and test one ``agentic`` connection.

    :param agentic_conn_id: id of the connection.
    """

    conn_name_attr = "agentic_conn_id"
    default_conn_name = "agentic_default"
    conn_type = "agentic"
    hook_name = "Agentic triage"

    def __init__(self, agentic_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agentic_conn_id = agentic_conn_id

    def get_conn(self) -> Scope:
        """Return the scope. :raises SettingsError: naming each field that is wrong."""
        return read_scope(self.get_connection(self.agentic_conn_id).extra, conn_id=self.agentic_conn_id)

    def test_connection(self) -> tuple[bool, str]:
        """Try every part that the connection names; say what is wrong and how to mend it."""
        from airflow_agentic.checks import check_connection

        probes = check_connection(self.agentic_conn_id)
        wrong = [probe for probe in probes if probe.state == "wrong"]
        if wrong:
            return False, " | ".join(f"{probe.name}: {probe.detail}" for probe in wrong)
        return True, " | ".join(f"{probe.name}: {probe.detail}" for probe in probes)
