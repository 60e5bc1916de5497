"""LM: a language model that runs live sessions."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b
from operator import index
from typing import Any

import torch
from torch import Tensor

from headrace.core.errors import ConfigError, HeadraceError, InputError, StateError
from headrace.core.stateful import Snapshot, Stateful
from headrace.models.hf.attach import UNDER_WAY, Survey
from headrace.models.hf.attached import Attached, Report
from headrace.models.hf.launch import Launcher, Outcome
from headrace.models.hf.reply import Reply
from headrace.models.hf.sampling import Sampler, Sampling
from headrace.models.hf.turns import Turns
from headrace.state import Container, Fixed, Input, Piece, Policy, Session, cache, drive, pin, policy_from_data, recent

#: What a session keeps if it is not told: attention sinks and the last two thousand tokens.
DEFAULT = Policy(pin(tokens=4) + recent(tokens=2000), place=cache())
#: Bytes of a tensor's ends that go into the fingerprint of a model.
ENDS = 4096
#: Numbers of inputs stay below it.
MOST = 1 << 62
#: Tokens of a reply in which the end of its turn is looked for.
TAIL = 32


class LM(Launcher):
    """A causal language model (or the decoder of an encoder-decoder model) of transformers; a Runner.

    Args:
        model: in eval mode; it belongs to this object from now on.
        tokenizer: of transformers; None: sessions take and give token ids only.
        name: for messages.

    Raises:
        Unstreamable: see `Attached`.
    """

    def __init__(self, model: Any, tokenizer: Any = None, name: str = "") -> None:
        super().__init__(Attached(model))
        self.tokenizer = tokenizer
        self.name = name or self.report.family
        eos = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
        eos = tokenizer.eos_token_id if eos is None and tokenizer is not None else eos
        self.ends = frozenset(() if eos is None else [eos] if isinstance(eos, int) else eos)
        self.opening = self._opening()
        self.fingerprint = fingerprint(model)

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
        chosen = _policy(policy)
        for name, number in (("seed", seed), ("start", start), ("tokens_per_unit", tokens_per_unit)):
            if not isinstance(number, int) or not 0 <= number < MOST:
                raise ConfigError(f"session: {name}={number!r}; give a whole number from 0 to 2^62")
        container = Container(self.attached.layout, chosen, start=start, tokens_per_unit=tokens_per_unit)
        session = Session(self, container, self._parts(Sampler(sampling or Sampling(), seed), encoded))
        if turns is not None:
            session.parts["turns"] = turns.fork()
        if opening and self.opening:
            session.inbox.append(Input(list(self.opening), kind=self._kind(session)))
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

    def restore(
        self,
        snapshot: Snapshot | str | os.PathLike[str],
        policy: Any = None,
        *,
        processors: Sequence[Any] = (),
        turns: Turns | None = None,
    ) -> Session:
        """Take up a session that was saved.

        Args:
            snapshot: what `Session.snapshot` gave, or a file that it was saved to.
            policy: only needed if it is made of parts that headrace does not bring.
            processors: logits processors, which are code and not saved.
            turns: those that the session was opened with, if it was.

        Raises:
            StateError: it is damaged, of a newer format, of another model, or something is missing.
        """
        held = (snapshot if isinstance(snapshot, Snapshot) else Snapshot.load(snapshot)).expect("session")
        try:
            meta = held.meta["own"]
            if meta["fingerprint"] != self.fingerprint:
                raise StateError(f"the session was saved with {meta['model']}, another model than {self.name}")
            chosen = policy_from_data(meta["policy"]) if policy is None else _policy(policy)
            sampling = Sampling.from_data(held.part("sampler").meta["own"]["sampling"], processors)
            container = Container(
                self.attached.layout, chosen, start=meta["start"], tokens_per_unit=meta["tokens_per_unit"]
            )
            container.restore(held.part("container"))
            session = Session(self, container, {})
            states = None
            if self.attached.has_encoder:
                rows = held.part("encoded").arrays["value"].shape[0]
                states = torch.zeros(rows, self.attached.hidden, dtype=self.attached.dtype)
            session.parts = self._parts(Sampler(sampling), states)
            if "turns" in held.meta["parts"]:
                session.parts["turns"] = turns.fork() if turns else Turns(self._with_tokenizer("turn()"))
            for name, part in session.parts.items():
                part.restore(held.part(name))
            session.epoch = int(meta["epoch"])
            session.inbox.extend(
                Input(list(map(int, i["data"])), i["stream"], i["kind"], i["pts"]) for i in meta["inbox"]
            )
            if "reply" in held.meta["parts"]:
                session.reply = Reply(session, **meta["reply"])
                session.reply.restore(held.part("reply"))
        except StateError:
            raise
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, HeadraceError) as error:
            raise StateError(f"the snapshot is damaged: {error!r}") from error
        return session

    def encode(self, inputs: Tensor, **options: Any) -> Tensor:
        """States [frames, hidden] of the encoder, for input of one session, such as samples [n]."""
        if not self.attached.has_encoder:
            raise ConfigError(f"{self.name} has no encoder")
        token = UNDER_WAY.set(Survey())
        try:
            with torch.no_grad():
                found = self.attached.model.get_encoder()(inputs[None].to(self.attached.device), **options)
        finally:
            UNDER_WAY.reset(token)
        states: Tensor = found.last_hidden_state[0]
        return states

    # ── Host ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, session: Session, data: Any, stream: str, kind: str, pts: int) -> list[Input]:
        session.policy.group(kind)
        data = self.tokens(data) if isinstance(data, str) else data
        if isinstance(data, Tensor) and data.is_floating_point():
            if data.dim() != 2 or data.shape[1] != self.attached.hidden:
                raise InputError(
                    f"embeddings of shape {tuple(data.shape)}; {self.name} takes [n, {self.attached.hidden}]"
                )
            data = data.to(self.attached.device, self.attached.dtype)
            if not bool(data.isfinite().all()):
                raise InputError("embeddings hold NaN or infinity; nothing was read")
            if session.policy.redo is not None:
                raise InputError("this policy redoes inputs, which must then be token ids, not embeddings")
        else:
            data = self._ids(data)
        if session.policy.atomic(kind) and len(data) > session.container.tokens_per_unit:
            unit = session.container.tokens_per_unit
            raise InputError(f"{len(data)} inputs of kind {kind!r} in one segment, but tokens_per_unit is {unit}")
        return [Input(data, stream, kind, pts)] if len(data) else []

    def again(self, piece: Piece) -> Input:
        return Input(piece.inputs, piece.stream, piece.kind, piece.pts, known=True)

    def reply(self, session: Session, options: Mapping[str, Any]) -> Reply:
        return Reply(session, **options)

    def turn(self, session: Session, role: str) -> list[Input]:
        held = session.parts.get("turns")
        turns = held.fork() if isinstance(held, Turns) else Turns(self._with_tokenizer("turn()"))
        said = self.tokenizer.decode(session.reply.tokens[-TAIL:]) if session.reply is not None else ""
        text = turns.close(said) if turns.role is not None else ""
        text += turns.open(role)
        session.parts["turns"] = turns
        session.reply = None
        if session.inbox and session.container.count == 0:
            session.inbox.clear()  # the template writes its own beginning
        return self.take(session, text, "main", role if role in session.policy.keeps else self._kind(session), 0)

    def fork(self, session: Session, policy: Any) -> Session:
        if policy is None:
            container = session.container.fork()
        else:
            mine = session.container
            container = Container(
                self.attached.layout, _policy(policy), start=mine.start, tokens_per_unit=mine.tokens_per_unit
            )
            container.adopt(mine)
        other = Session(self, container, {name: part.fork() for name, part in session.parts.items()})
        other.epoch = session.epoch
        if session.reply is not None:
            other.reply = Reply(other, **session.reply.options())
            other.reply.restore(session.reply.snapshot())
        other.inbox.extend(Input(list(i.data), i.stream, i.kind, i.pts) for i in session.inbox)
        return other

    def save(self, session: Session) -> Snapshot:
        waiting = [Input(list(i.data), i.stream, i.kind, i.pts) for i in session.inbox]
        meta = {
            "model": self.name,
            "fingerprint": self.fingerprint,
            "policy": session.container.snapshot().meta["policy"],
            "start": session.container.start,
            "tokens_per_unit": session.container.tokens_per_unit,
            "epoch": session.epoch,
            "inbox": [asdict(one) for one in waiting],
            "reply": session.reply.options() if session.reply is not None else None,
        }
        parts = {name: part.snapshot() for name, part in session.parts.items()}
        if session.reply is not None:
            parts["reply"] = session.reply.snapshot()
        return Snapshot.join("session", {"container": session.container.snapshot(), **parts}, meta)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def tokens(self, text: str) -> list[int]:
        """Token ids of a text, tokenised alone and without what the tokenizer puts around a text."""
        found: list[int] = self._with_tokenizer("a text")(text, add_special_tokens=False).input_ids
        return found

    def _with_tokenizer(self, what: str) -> Any:
        if self.tokenizer is None:
            raise ConfigError(f"{what} needs a tokenizer, and {self.name} was loaded without one; push token ids")
        return self.tokenizer

    def _ids(self, data: Any) -> list[int]:
        if isinstance(data, bytes | bytearray | Mapping | set):
            raise InputError(f"{type(data).__name__} cannot be read; give text, token ids or embeddings")
        try:
            ids = [index(i) for i in (data.tolist() if isinstance(data, Tensor) else data)]
            if any(isinstance(i, bool) for i in data):
                raise TypeError
        except TypeError:
            raise InputError(f"{type(data).__name__} cannot be read; give text, token ids or embeddings") from None
        bad = next((i for i in ids if not 0 <= i < self.vocabulary), None)
        if bad is not None:
            raise InputError(f"token id {bad} is outside the vocabulary of {self.vocabulary}; nothing was read")
        return ids

    def _parts(self, sampler: Sampler, encoded: Tensor | None) -> dict[str, Stateful]:
        attached = self.attached
        logits = Fixed((attached.vocabulary,), torch.float32, attached.device)
        parts: dict[str, Stateful] = {"sampler": sampler, "logits": logits}
        if attached.has_encoder:
            if encoded is None or encoded.dim() != 2 or encoded.shape[1] != attached.hidden or not len(encoded):
                found = "nothing" if encoded is None else f"shape {tuple(encoded.shape)}"
                raise InputError(f"{self.name} reads an encoder: give encoded=[frames, {attached.hidden}], not {found}")
            states = Fixed(tuple(encoded.shape), attached.dtype, attached.device)
            states.set(encoded.to(attached.device, attached.dtype))
            if not bool(states.value.isfinite().all()):
                raise InputError("encoded holds NaN or infinity; no session was opened")
            parts["encoded"] = states
        elif encoded is not None:
            raise ConfigError(f"{self.name} has no encoder; leave out encoded")
        return parts

    def _advance(self, rows: Sequence[tuple[Session, Any]], every: bool) -> list[Outcome]:
        sessions = [session for session, _ in rows]
        if len({id(session) for session in sessions}) < len(sessions):
            raise ConfigError("a session stands in two rows of one step; join its inputs")
        taken: list[list[Input]] = []
        for session, data in rows:
            session.check_open()
            if session.host is not self:
                raise ConfigError("a session of another model stands in this step")
            given = data if isinstance(data, Input) else Input(data, kind=self._kind(session))
            taken.append([] if data is None else self.take(session, given.data, given.stream, given.kind, given.pts))
            if data is None and every:
                raise ConfigError("read() reads; to say a token use step()")
            if data is None and not session.container.count and not session.inbox:
                raise StateError("nothing was read yet, so nothing can be said; push something first")
        for (session, data), inputs in zip(rows, taken, strict=True):
            session.inbox.extend(inputs)
            for waiting in session.inbox:
                waiting.every = every
            session.wanted += data is None
            session.outbox.clear()
        drive(self, sessions)
        return [_joined(session, self.vocabulary) for session in sessions]

    def _kind(self, session: Session) -> str:
        """The kind of plain input: "text" where the policy knows it, else its first."""
        keeps = session.policy.keeps
        return "text" if "text" in keeps or "*" in keeps else next(iter(keeps))

    def _opening(self) -> list[int]:
        """What the tokenizer puts before a text; nothing of what it puts behind."""
        if self.tokenizer is None:
            return []
        whole = list(self.tokenizer("").input_ids)
        bos = self.tokenizer.bos_token_id
        return [token for token in whole if token not in self.ends or token == bos]


def _policy(given: Any) -> Policy:
    built = DEFAULT if given is None else given.build() if hasattr(given, "build") else given
    if not isinstance(built, Policy):
        raise ConfigError(f"{type(given).__name__} is no policy; use headrace.state.Policy or a recipe that builds one")
    return built


def _joined(session: Session, vocabulary: int) -> Outcome:
    """The outcomes of one call as one."""
    made: list[Outcome] = session.outbox
    token = next((one.token for one in made if one.token is not None), None)
    rows = [one.logits for one in (made if token is None else made[-1:])]
    return Outcome(token, torch.cat(rows) if rows else torch.zeros(0, vocabulary))


def fingerprint(model: Any) -> str:
    """Of the config and of each tensor's name, shape, type and ends: quick, and another model has another."""
    digest = blake2b(digest_size=16)
    config = {key: value for key, value in model.config.to_dict().items() if not key.startswith("_")}
    digest.update(json.dumps(config, sort_keys=True, default=str).encode())
    for name, tensor in model.state_dict().items():
        flat = tensor.detach().reshape(-1)
        n = max(1, ENDS // tensor.itemsize)
        ends = torch.cat([flat[:n], flat[-n:]]).cpu().contiguous().view(torch.uint8)
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode() + ends.numpy().tobytes())
    return digest.hexdigest()
