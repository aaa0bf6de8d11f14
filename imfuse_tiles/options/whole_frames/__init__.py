"""What options compute, on whole frames in memory: runs in tiles must equal it bit for bit."""
