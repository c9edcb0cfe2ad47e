"""The schedules that ship with dlcv."""
