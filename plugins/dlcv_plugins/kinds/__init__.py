"""The kinds of plugins that the commands of this package use, beside those of a run."""
