"""Trackers: what shows the figures of runs while they train."""
