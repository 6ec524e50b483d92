"""The face for agents: a fixed set of tools over every object, by the Model Context Protocol.

`tools` does the work, the same for both ways in: `http` is `/mcp` of the web application, `stdio` is `guanxi mcp`.
Both need the extra `mcp`; everything else works without it.
"""
