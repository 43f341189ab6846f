"""What may be done, and what was done: `judge`, the ledger, redaction."""
