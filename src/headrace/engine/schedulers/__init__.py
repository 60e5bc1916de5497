"""schedulers: the order in which ready work runs; each a formula and where it comes from.

`known` names them, `scheduler_of` makes one of what a user gave. What was promised and can no longer be kept stands
behind what can, in every one that looks at promises.
"""
