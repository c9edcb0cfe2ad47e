"""`dlcv data build`: packs a data set."""
