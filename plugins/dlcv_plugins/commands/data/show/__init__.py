"""`dlcv data show`: what a data set holds."""
