"""Runs: blocks computed by threads, processes or a cluster, and results written to files."""
