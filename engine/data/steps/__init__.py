"""The steps of a write, each a function over a unit and a batch; `engine.data.pipeline` says their order."""
