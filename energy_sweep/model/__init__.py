"""Networks, one file per family; `base` says what they give."""
