"""How values look: in cells of lists (`cells`), on record pages, in forms, in filters. Types say what values mean."""
