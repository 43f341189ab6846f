"""``python -m airflow_agentic.policy``: print the JSON schema that ships as ``policy/schema.json``."""

import json

from airflow_agentic.policy.terms import PolicyFile

if __name__ == "__main__":
    print(json.dumps(PolicyFile.model_json_schema(), indent=2))
