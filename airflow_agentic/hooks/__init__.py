"""What Airflow looks for under this name: the ``agentic`` connection."""
