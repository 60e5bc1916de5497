"""LM: a language model that runs live sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from headrace.core.errors import ConfigError, StateError
from headrace.models.hf.attach import UNDER_WAY, Survey
from headrace.models.hf.attached import Attached, Report
from headrace.models.hf.fingerprint import fingerprint
from headrace.models.hf.host import MOST, SessionHost, policy_of
from headrace.models.hf.launch import Outcome
from headrace.models.hf.sampling import Sampler, Sampling
from headrace.models.hf.turns import Turns
from headrace.state import Container, Input, Session, drive


class LM(SessionHost):
    """A causal language model (or the decoder of an encoder-decoder model) of transformers; a Runner.

    Args:
        model: in eval mode; it belongs to this object from now on.
        tokenizer: of transformers; None: sessions take and give token ids only.
        name: for messages.

    Raises:
        Unstreamable: see `Attached`.
    """

    def __init__(self, model: Any, tokenizer: Any = None, name: str = "") -> None:
        attached = Attached(model)
        super().__init__(attached, tokenizer, name or attached.report.family, fingerprint(model))
        eos = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
        eos = tokenizer.eos_token_id if eos is None and tokenizer is not None else eos
        self.ends = frozenset(() if eos is None else [eos] if isinstance(eos, int) else eos)
        self.opening = self._opening()

    @property
    def report(self) -> Report:
        """What was found out about the model when it was loaded."""
        return self.attached.report

    # ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────

    def session(
        self,
        policy: Any = None,
        *,
        sampling: Sampling | None = None,
        seed: int = 0,
        start: int = 0,
        encoded: Tensor | None = None,
        tokens_per_unit: int = 0,
        opening: bool = True,
        turns: Turns | None = None,
    ) -> Session:
        """Open a session.

        Args:
            policy: a Policy, or a recipe that builds one; None: 4 sinks and the last 2,000 tokens.
            sampling: how tokens are chosen; None: greedily.
            seed: of its draws, which depend on nothing else.
            start: number of its first input.
            encoded: states [frames, hidden] of the encoder, for models that have one.
            tokens_per_unit: entries of a frame at most, for policies that count frames.
            turns: how the turns of a conversation are written; None: by the tokenizer's template.
            opening: begin with what the tokenizer puts before a text (such as <bos>), with the first push.

        Raises:
            ConfigError: the policy does not fit the model. InputError: `encoded` is missing or of a wrong shape.
        """
        chosen = policy_of(policy)
        if not isinstance(sampling, Sampling | None):
            raise ConfigError(f"sampling={sampling!r}; give a Sampling(temperature=…)")
        for name, number in (("seed", seed), ("start", start), ("tokens_per_unit", tokens_per_unit)):
            if not isinstance(number, int) or not 0 <= number < MOST:
                raise ConfigError(f"session: {name}={number!r}; give a whole number from 0 to 2^61")
        container = Container(self.attached.layout, chosen, start=start, tokens_per_unit=tokens_per_unit)
        session = Session(self, container, self.parts_of(Sampler(sampling or Sampling(), seed), encoded))
        if turns is not None:
            session.parts["turns"] = turns.fork()
        if opening and self.opening:
            session.opening = Input(list(self.opening), kind=self.kind_of(session))
        return session

    def step(self, rows: Sequence[tuple[Session, Any]]) -> list[Outcome]:
        """Run several sessions together: text, ids or embeddings to read, or None to say one token.

        An `Input` says the stream, kind and time of what is read. Inputs up to the next boundary of each session's
        segment share a launch; longer ones take more.

        Returns:
            One outcome a row.

        Raises:
            InputError, ConfigError, StateError: something does not fit; no session was changed.
            CapacityError, StateError: a session failed; the others have done their part, and what it brought them is in
                their `outbox`.
        """
        return self._advance(rows, every=False)

    def read(self, rows: Sequence[tuple[Session, Any]]) -> list[Tensor]:
        """As `step`, for what is read: logits [n, vocabulary] of what follows each input, `opening` included."""
        return [outcome.logits for outcome in self._advance(rows, every=True)]

    def encode(self, inputs: Tensor, **options: Any) -> Tensor:
        """States [frames, hidden] of the encoder, for input of one session, such as samples [n]."""
        if not self.attached.has_encoder:
            raise ConfigError(f"{self.name} has no encoder")
        token = UNDER_WAY.set(Survey())
        try:
            with torch.no_grad():
                dtype = self.attached.dtype if inputs.is_floating_point() else None
                found = self.attached.model.get_encoder()(inputs[None].to(self.attached.device, dtype), **options)
        finally:
            UNDER_WAY.reset(token)
        states: Tensor = found.last_hidden_state[0]
        return states

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _advance(self, rows: Sequence[tuple[Session, Any]], every: bool) -> list[Outcome]:
        if not all(isinstance(row, tuple) and len(row) == 2 and isinstance(row[0], Session) for row in rows):
            raise ConfigError("a step takes rows (session, text, ids, embeddings or None)")
        sessions = [session for session, _ in rows]
        if len({id(session) for session in sessions}) < len(sessions):
            raise ConfigError("a session stands in two rows of one step; join its inputs")
        taken: list[list[Input]] = []
        for session, data in rows:
            session.check_open()
            if session.host is not self:
                raise ConfigError("a session of another model stands in this step")
            given = data if isinstance(data, Input) else Input(data, kind=self.kind_of(session))
            taken.append([] if data is None else self.take(session, given.data, given.stream, given.kind, given.pts))
            if data is None and every:
                raise ConfigError("read() reads; to say a token use step()")
            if data is None and not session.container.count and session.opening is None:
                raise StateError("nothing was read yet, so nothing can be said; push something first")
        for (session, data), inputs in zip(rows, taken, strict=True):
            session.inbox.extend(inputs)
            for waiting in (*session.inbox, *((session.opening,) if session.opening else ())):
                waiting.every = every
            session.wanted += data is None
            session.outbox.clear()
        drive(self, sessions)
        return [_joined(session, self.vocabulary) for session in sessions]

    def _opening(self) -> list[int]:
        """What the tokenizer puts before a text; nothing of what it puts behind."""
        if self.tokenizer is None:
            return []
        whole = list(self.tokenizer("").input_ids)
        bos = self.tokenizer.bos_token_id
        return [token for token in whole if token not in self.ends or token == bos]


def _joined(session: Session, vocabulary: int) -> Outcome:
    """The outcomes of one call as one."""
    made: list[Outcome] = session.outbox
    token = next((one.token for one in made if one.token is not None), None)
    rows = [one.logits for one in (made if token is None else made[-1:])]
    return Outcome(token, torch.cat(rows) if rows else torch.zeros(0, vocabulary))
