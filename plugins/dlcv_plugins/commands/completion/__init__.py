"""`dlcv completion`: lets shells complete commands, options, plugins' names and their options."""
