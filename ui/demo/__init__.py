"""Seeded, linked, bilingual data for a site that people try things on."""
