"""Ratios measured side by side; each module prints one JSON line last."""
