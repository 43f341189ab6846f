"""Our own tables, and the only place that knows SQL."""
