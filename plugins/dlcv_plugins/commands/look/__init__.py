"""`dlcv look`: pictures of what is inside a trained network."""
