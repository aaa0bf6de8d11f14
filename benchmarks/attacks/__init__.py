"""Attacks on the promises of a store: crashes, failing system calls, late workers, two writers, hostile stores."""
