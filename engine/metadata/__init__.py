"""Documents in YAML or JSON, composed in layers into one immutable `Model`."""
