"""The page of incidents in Airflow's own UI: what it reads (`app`), and what the browser runs (``triage.js``)."""
