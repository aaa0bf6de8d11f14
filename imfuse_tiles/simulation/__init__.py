"""Simulated focus stacks with a known truth: for the demonstration, the tests and the benchmarks."""

from imfuse_tiles.simulation.render import render
from imfuse_tiles.simulation.score import score

__all__ = ["render", "score"]
