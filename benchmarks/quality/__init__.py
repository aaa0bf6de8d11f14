"""Sharpness beside peers on simulated scenes whose truth is known."""
