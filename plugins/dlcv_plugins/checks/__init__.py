"""Checks of data sets: one file a kind of finding, and what several of them share."""
