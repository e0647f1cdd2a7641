"""What a study found, to look at: figures, tables and a page that needs no network."""
