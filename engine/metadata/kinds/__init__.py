"""The JSON Schemas of the kinds of document, one function a kind. `engine.metadata.metaschema` reads them.

Rules for all of them: no oneOf and no anyOf (what differs is told apart by `type` or `do`), every object says
`additionalProperties`, every property says in `x-layer` how a higher layer may change it.
"""
