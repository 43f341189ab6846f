"""A task's log, as Airflow and the programs that it ran wrote it → what a person would have kept, and its errors."""
