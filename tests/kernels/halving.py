"""Halving a line and back as plain matrices, which the pyramids are held to."""

import numpy as np


def weights(size):
    """The weights of every sample of a line for every sample of the coarser line, (coarse, fine)."""
    steps = 2 * np.arange((size + 1) // 2)[:, None] - np.arange(size)
    return np.choose(np.minimum(abs(steps), 3), [6, 4, 1, 0]).astype(float)


def matrix(size):
    """What reduces a line: weights outside left out, each row's sum 1."""
    return weights(size) / weights(size).sum(axis=1, keepdims=True)


def spread(size):
    """What expands a line again: the same weights the other way."""
    return weights(size).T / weights(size).T.sum(axis=1, keepdims=True)
