"""What a `Reader` is made of, a module for each kind of thing that is read."""
