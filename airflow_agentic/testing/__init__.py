"""Public fakes. Each passes the same contract test as the real plug-in."""
