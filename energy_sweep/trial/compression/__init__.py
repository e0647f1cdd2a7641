"""The stages of a trial that compress: rounds of compression and recovery."""
