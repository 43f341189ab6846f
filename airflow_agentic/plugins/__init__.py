"""What Airflow loads at start-up. Imports nothing heavy."""
