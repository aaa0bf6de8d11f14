"""The kinds of work: ingest, local filters, reductions, the montage's fold, finishing. One job, one block at a time."""
