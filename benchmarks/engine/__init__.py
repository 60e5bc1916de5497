"""Serving: many sessions at once, beside other engines, and schedulers beside each other."""
