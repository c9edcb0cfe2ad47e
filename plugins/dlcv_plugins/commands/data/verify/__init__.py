"""`dlcv data verify`: compares packed files with their checksums."""
