"""The four tasks of the triage Dag, usable by hand."""
