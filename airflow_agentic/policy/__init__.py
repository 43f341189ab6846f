"""``agentic_policy.yaml`` → what the agent may do for one Dag: `read`, then `Policy.mandate_for`."""
