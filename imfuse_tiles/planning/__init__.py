"""Plans: from options and a stack to stages, blocks, memory, disk and names, without touching a pixel."""
