"""`dlcv data preview`: a picture of what a network gets as input."""
