"""Advice by rules: for a data set before training, and for a run after it."""
