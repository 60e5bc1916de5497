"""Recipes: one file per published method, one registry over them.

`registry` finds recipes without importing them, `results` keeps what their checks measured,
`runner` runs a check.
"""
