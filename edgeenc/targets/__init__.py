"""What a model becomes: exported files, how they are loaded, how large they will be."""
