"""`dlcv plugins new`: a package with a plugin that works, to begin with."""
