"""Classifiers on features that a network's body extracted."""
