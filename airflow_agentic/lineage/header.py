"""The header that carries the ingest key. Of its own module, so that a task that sends it loads no server."""

HEADER = "X-Agentic-Lineage-Key"
