"""Transfer by features: a classifier that is fitted to features that a trained body extracts."""
