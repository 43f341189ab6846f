"""An agent that is woken by a failed Dag, finds the cause, proves a fix and opens a draft pull request.

Start reading at ``pipeline.py``. This module imports nothing, because every Airflow process pays for it.
"""

__version__ = "0.1.0"
