"""The only gate to the tables of entities: `Access` says who may do what, `Reader` reads, `Records` writes."""
