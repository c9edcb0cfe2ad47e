"""Transfer by features: a classifier that is fitted to what a trained body says of images."""
