"""Text for people at a terminal: tables that fit it, lines that break, commands to type."""
