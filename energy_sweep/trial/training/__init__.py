"""The stages of a trial that train: the net itself, its teacher, what it starts from."""
