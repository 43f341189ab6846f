"""The Protocols that plug-ins fulfil and the stages are handed. Only the standard library and our records.

A plug-in is one module in its folder whose name is the setting; see ``registry.py``. Each port has a contract
test in ``tests/contracts`` that runs against every plug-in found, and against the fakes in ``testing.py``.
"""

from __future__ import annotations

from airflow_agentic.ports.agents import Agent, Effect, Model, Spending, Tool
from airflow_agentic.ports.context import AirflowReader, Redactor, Source
from airflow_agentic.ports.delivery import BaseFiles, Channel, Forge, Protection, Rival
from airflow_agentic.ports.lineage import AssetReader, LineageReader
from airflow_agentic.ports.proof import Rule, Workspace, WorkspaceSession
from airflow_agentic.ports.store import Changes, Circuit, Fixes, Incidents, Ledger

__all__ = [
    "Agent",
    "AirflowReader",
    "AssetReader",
    "BaseFiles",
    "Changes",
    "Channel",
    "Circuit",
    "Effect",
    "Fixes",
    "Forge",
    "Incidents",
    "Ledger",
    "LineageReader",
    "Model",
    "Protection",
    "Redactor",
    "Rival",
    "Rule",
    "Source",
    "Spending",
    "Tool",
    "Workspace",
    "WorkspaceSession",
]
