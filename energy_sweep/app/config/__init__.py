"""From what is typed to a recipe: Hydra's configuration, checked and built."""
