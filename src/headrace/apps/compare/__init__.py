"""compare: several methods on one recorded input, measured in one run.

`state.compare_state` runs the methods that say what a language model keeps of its past; `result` holds what was found.
"""
