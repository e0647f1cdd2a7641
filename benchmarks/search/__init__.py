"""How many joules searches take to the front, ours and others, where the truth is known."""
