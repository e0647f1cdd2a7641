"""The verbs beside running trials and sweeps: one file for each family."""
