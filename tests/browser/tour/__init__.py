"""A walk through every kind of screen, at every width, in both languages, light and dark."""
