"""``airflow agentic ...``. Imported by every airflow command: nothing heavy at the top."""
