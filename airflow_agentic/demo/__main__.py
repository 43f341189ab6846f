"""``python -m airflow_agentic.demo [FOLDER]``."""

import sys

from airflow_agentic.demo.run import demo

sys.exit(demo(sys.argv[1] if len(sys.argv) > 1 else ".demo"))
