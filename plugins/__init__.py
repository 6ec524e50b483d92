"""Plugins that ship with Guanxi: what metadata cannot say, each a folder over the public names of `engine`."""
