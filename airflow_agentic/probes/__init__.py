"""What a set-up really holds: the facts behind `airflow agentic readiness`. One verb at the door: `observe`."""
