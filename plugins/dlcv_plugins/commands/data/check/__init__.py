"""`dlcv data check`: one pass over a data set, the checks that work on it, terminal and page."""
