"""One plug-in per place that context comes from; `gather` joins them into a dossier."""
