"""What one person has of their own: settings, saved views, starred and visited records, unfinished forms."""
