"""Image files: reading frames, writing results, and the metadata that goes from one to the other."""
