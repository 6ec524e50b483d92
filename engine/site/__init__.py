"""A site: its folder and settings, its documents, and everything of the engine wired together for it."""
