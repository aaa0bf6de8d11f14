"""Loaded first by the server that worker processes are forked from: they inherit how it keeps its memory.

Set before the first thread, there is one heap; a thread that comes before has one of its own, which gives back.
"""

from imfuse_tiles.execution import allocator

allocator.keep_freed_memory()
