"""The store: files in a folder or bucket, arrays in chunks, journals and locks."""
