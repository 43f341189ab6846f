"""What runs inside the sandbox, each started by its file path: standard library and Airflow only."""
