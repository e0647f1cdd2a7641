"""The only training loop: in one process, or in several that this one meters."""
