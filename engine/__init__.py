"""Guanxi's engine: what is published as metadata becomes tables, rights and records. It knows no web and no trade."""
