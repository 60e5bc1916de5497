"""State: what a session keeps of its past, at constant size and exact at any age.

A `Policy` says in seven verbs what is kept and how; a `Container` keeps it for one session; a `Tick` lets a model read
the containers of many sessions in one forward pass. See docs/state.md.
"""

from headrace.state.container import Container
from headrace.state.counter import Counter
from headrace.state.data import policy_from_data, to_data
from headrace.state.fifo import Fifo
from headrace.state.fixed import Fixed
from headrace.state.fold import Fold, drop, ema
from headrace.state.keep import Grid, Keep, Term, everything, pin, recent, top
from headrace.state.kv import KV
from headrace.state.layout import Layout, Site
from headrace.state.place import Place, absolute, cache, gap, group, jump, none, origin, overlap, realign
from headrace.state.policy import MAX_NAMES, Budget, Policy
from headrace.state.redo import Piece, Redo, on
from headrace.state.rng import Rng
from headrace.state.rotary import Rotary
from headrace.state.rows import Rows
from headrace.state.score import Score, attention, random
from headrace.state.see import See, causal, deny, whole
from headrace.state.segment import Segment
from headrace.state.session import Input, Session
from headrace.state.tick import Tick
from headrace.state.work import Runner, Work, drive

__all__ = [
    "KV",
    "MAX_NAMES",
    "Budget",
    "Container",
    "Counter",
    "Fifo",
    "Fixed",
    "Fold",
    "Grid",
    "Input",
    "Keep",
    "Layout",
    "Piece",
    "Place",
    "Policy",
    "Redo",
    "Rng",
    "Rotary",
    "Rows",
    "Runner",
    "Score",
    "See",
    "Segment",
    "Session",
    "Site",
    "Term",
    "Tick",
    "Work",
    "absolute",
    "attention",
    "cache",
    "causal",
    "deny",
    "drive",
    "drop",
    "ema",
    "everything",
    "gap",
    "group",
    "jump",
    "none",
    "on",
    "origin",
    "overlap",
    "pin",
    "policy_from_data",
    "random",
    "realign",
    "recent",
    "to_data",
    "top",
    "whole",
]
