"""Diagnosis only: a triage Dag whose connection has trust level ``diagnose``. It opens issues, never a change."""

from airflow_agentic.triage_dag import triage_dag

dag = triage_dag("agentic_diagnosis", agentic_conn_id="agentic_diagnose_only")
