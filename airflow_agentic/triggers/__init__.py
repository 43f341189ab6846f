"""Airflow's events → one triage run per incident. Light: every task process may import it."""
