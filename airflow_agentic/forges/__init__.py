"""Where changes are reviewed; `publish` hands over a draft, never more."""
