"""The failing pipeline that ``make demo`` triages."""
