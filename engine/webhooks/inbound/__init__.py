"""Hooks: addresses at which other programs tell the site something, and what becomes of it."""
