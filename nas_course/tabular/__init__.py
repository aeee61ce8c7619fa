"""The shipped tabular benchmark: every NAS-Bench-201 cell trained in a small network."""
