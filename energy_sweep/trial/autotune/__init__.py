"""How a net is run: candidates tried for a few steps each, and the cheapest chosen."""
