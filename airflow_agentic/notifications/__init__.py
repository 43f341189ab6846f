"""``on_failure_callback=TriageNotifier(...)``."""
