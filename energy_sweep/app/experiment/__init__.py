"""Experiments: claims with the sweeps that test them, read from YAML, run, and held to account."""
