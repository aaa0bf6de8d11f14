"""Simulated focus stacks with a known truth: for the demonstration, the tests and the benchmarks."""

from .render import render
from .score import score

__all__ = ["render", "score"]
