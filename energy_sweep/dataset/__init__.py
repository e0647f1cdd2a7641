"""Data sets, one file per source; `base` says what they give."""
