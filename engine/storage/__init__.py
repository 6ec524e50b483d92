"""Where records live: connections, tables, the physical plan of a revision, and full-text search.

Nothing here knows permissions or business rules. Whoever touches an entity table passes the guard
(`engine.storage.guard`) with the token that only `engine.data` and this package hold.
"""
