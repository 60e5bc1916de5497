"""tokens: what an encoder makes of a frame, and the rows that are kept of it."""

from headrace.understanding.tokens.admission import TokenAdmission
from headrace.understanding.tokens.rows import Rows
from headrace.understanding.tokens.tokens import Tokens
from headrace.understanding.tokens.view import Cue, TokenView

__all__ = ["Cue", "Rows", "TokenAdmission", "TokenView", "Tokens"]
