"""OpenLineage events, read as metadata."""
