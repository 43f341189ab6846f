"""Text of strangers → Markdown that says the same and does nothing; see ``airflow_agentic/escape.py``.

The work is done beside the records, because forges publish such text and no capability imports another.
"""

from airflow_agentic.escape import code_block, code_span, escape_markdown, strip_controls

__all__ = ["code_block", "code_span", "escape_markdown", "strip_controls"]
