"""SessionHost: what a session of a language model needs of its model besides forward passes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import index
from typing import Any

import torch
from torch import Tensor

from headrace.core.errors import CapacityError, ConfigError, HeadraceError, InputError, StateError
from headrace.core.stateful import Snapshot, Stateful
from headrace.models.hf.attached import Attached
from headrace.models.hf.launch import Launcher
from headrace.models.hf.reply import Reply
from headrace.models.hf.sampling import Sampler, Sampling
from headrace.models.hf.turns import Turns
from headrace.state import (
    MAX_NAMES,
    Container,
    Fixed,
    Input,
    Piece,
    Policy,
    Session,
    cache,
    pin,
    policy_from_data,
    recent,
    to_data,
)

#: What a session keeps if it is not told: attention sinks and the last two thousand tokens.
DEFAULT = Policy(pin(tokens=4) + recent(tokens=2000), place=cache())
#: Numbers of inputs and times stay below it.
MOST = 1 << 61
#: Tokens of a reply in which the end of its turn is looked for.
TAIL = 32


class SessionHost(Launcher):
    """Takes input, begins replies and turns, forks, saves and restores; a Host.

    Args:
        attached: the model.
        tokenizer: of transformers, or None.
        name: of the model, for messages.
        fingerprint: what snapshots know the model by.
    """

    def __init__(self, attached: Attached, tokenizer: Any, name: str, fingerprint: str) -> None:
        super().__init__(attached)
        self.tokenizer, self.name, self.fingerprint = tokenizer, name, fingerprint
        self._turns = _turns_of(tokenizer)

    def take(self, session: Session, data: Any, stream: str, kind: str, pts: int) -> list[Input]:
        if not (isinstance(stream, str) and isinstance(kind, str) and len(stream) + len(kind) <= MAX_NAMES):
            raise InputError(f"stream and kind are names, of {MAX_NAMES} characters together at most")
        if isinstance(pts, bool) or not isinstance(pts, int) or abs(pts) >= MOST:
            raise InputError(f"pts={pts!r}; give media time in whole ns")
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
        foreign = set(options) - {"max_tokens", "stop", "ends", "min_tokens"}
        if foreign:
            raise ConfigError(
                f"say() takes max_tokens, min_tokens, stop and ends, not {', '.join(sorted(foreign))}; how tokens are "
                "chosen is said at session(sampling=Sampling(…))"
            )
        return Reply(session, **options)

    def turn(self, session: Session, role: str) -> list[Input]:
        held = session.parts.get("turns")
        turns = held.fork() if isinstance(held, Turns) else Turns(self._with_tokenizer("turn()"))
        said = self.tokenizer.decode(session.reply.tokens[-TAIL:]) if session.reply is not None else ""
        text = turns.close(said) if turns.role is not None else ""
        text += turns.open(role)
        taken = self.take(session, text, "main", role if role in session.policy.keeps else self.kind_of(session), 0)
        session.parts["turns"], session.reply = turns, None
        session.opening = None  # the template writes its own beginning
        return taken

    def fork(self, session: Session, policy: Any) -> Session:
        if policy is None:
            container = session.container.fork()
        else:
            mine = session.container
            container = Container(
                self.attached.layout, policy_of(policy), start=mine.start, tokens_per_unit=mine.tokens_per_unit
            )
            container.adopt(mine)
        other = Session(self, container, {name: part.fork() for name, part in session.parts.items()})
        other.epoch = session.epoch
        if session.reply is not None:
            other.reply = Reply(other, **session.reply.options())
            other.reply.restore(session.reply.snapshot())
        if session.opening is not None:
            other.opening = replace(session.opening)
        return other

    def save(self, session: Session) -> Snapshot:
        if any(isinstance(one.data, Tensor) for one in session.inbox):
            raise StateError("embeddings wait to be read, which are not saved; save the session once they were")
        meta = {
            "model": self.name,
            "fingerprint": self.fingerprint,
            "policy": to_data(session.policy),
            "start": session.container.start,
            "tokens_per_unit": session.container.tokens_per_unit,
            "epoch": session.epoch,
            "opening": None if session.opening is None else [session.opening.kind, list(session.opening.data)],
            "inbox": [[list(one.data), one.stream, one.kind, one.pts, one.known] for one in session.inbox],
            "reply": session.reply.options() if session.reply is not None else None,
        }
        parts = {name: part.snapshot() for name, part in session.parts.items()}
        if session.reply is not None:
            parts["reply"] = session.reply.snapshot()
        return Snapshot.join("session", {"container": session.container.snapshot(), **parts}, meta)

    def restore(
        self,
        snapshot: Snapshot | str | os.PathLike[str],
        policy: Any = None,
        *,
        processors: Sequence[Any] = (),
        turns: Turns | None = None,
        max_bytes: int | None = None,
    ) -> Session:
        """Take up a session that was saved.

        Args:
            snapshot: what `Session.snapshot` gave, or a file that it was saved to.
            policy: only needed if it is made of parts that headrace does not bring.
            processors: logits processors, which are code and not saved.
            turns: those that the session was opened with, if it was.
            max_bytes: what the session may take at most; give it for snapshots from outside, whose policy says how much
                storage is made.

        Raises:
            CapacityError: it may take more than `max_bytes`.
            StateError: it is damaged, of a newer format, of another model, or something is missing.
        """
        held = (snapshot if isinstance(snapshot, Snapshot) else Snapshot.load(snapshot)).expect("session")
        try:
            meta = held.meta["own"]
            if meta["fingerprint"] != self.fingerprint:
                saved, own = f"{meta['model']}, {meta['fingerprint']}", f"{self.name}, {self.fingerprint}"
                raise StateError(
                    f"the session was saved with another model (weights, dtype, config): {saved}; this is {own}"
                )
            chosen = policy_from_data(meta["policy"]) if policy is None else policy_of(policy)
            most = chosen.bind(self.attached.layout, meta["tokens_per_unit"]).max_bytes
            if max_bytes is not None and most > max_bytes:
                raise CapacityError(f"the session may take {most} bytes, more than max_bytes={max_bytes}")
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
            session.parts = self.parts_of(Sampler(sampling), states)
            if turns is not None:
                session.parts["turns"] = turns.fork()
            for name, part in session.parts.items():
                part.restore(held.part(name))
            session.epoch = int(meta["epoch"])
            if meta["opening"] is not None:
                kind, ids = meta["opening"]
                (session.opening,) = self.take(session, ids, "main", kind, 0)
            for ids, stream, kind, pts, known in meta.get("inbox", ()):
                (waiting,) = self.take(session, ids, stream, kind, pts)
                session.inbox.append(replace(waiting, known=bool(known)))
            if "reply" in held.meta["parts"]:
                session.reply = Reply(session, **meta["reply"])
                session.reply.restore(held.part("reply"))
        except (StateError, CapacityError):
            raise
        except (
            LookupError,
            TypeError,
            ValueError,
            ArithmeticError,
            AttributeError,
            HeadraceError,
            RuntimeError,
        ) as error:
            raise StateError(f"the snapshot is damaged: {error!r}") from error
        return session

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def tokens(self, text: str) -> list[int]:
        """Token ids of a text, tokenised alone and without what the tokenizer puts around a text."""
        try:
            found: list[int] = self._with_tokenizer("a text")(text, add_special_tokens=False).input_ids
        except (TypeError, UnicodeError):
            raise InputError(
                "the text holds half of a surrogate pair, which is no character; nothing was read"
            ) from None
        return found

    def _with_tokenizer(self, what: str) -> Any:
        if self.tokenizer is None:
            raise ConfigError(f"{what} needs a tokenizer, and {self.name} was loaded without one; push token ids")
        return self.tokenizer

    def _ids(self, data: Any) -> list[int]:
        if isinstance(data, bytes | bytearray | Mapping | set):
            raise InputError(f"{type(data).__name__} cannot be read; give text, token ids or embeddings")
        try:
            given = data.tolist() if isinstance(data, Tensor) else list(data)
            if any(isinstance(i, bool) for i in given):
                raise TypeError
            ids = [index(i) for i in given]
        except TypeError:
            raise InputError(f"{type(data).__name__} cannot be read; give text, token ids or embeddings") from None
        bad = next((i for i in ids if not 0 <= i < self.vocabulary), None)
        if bad is not None:
            raise InputError(f"token id {bad} is outside the vocabulary of {self.vocabulary}; nothing was read")
        return ids

    def parts_of(self, sampler: Sampler, encoded: Tensor | None) -> dict[str, Stateful]:
        """What a session remembers besides keys and values.

        Raises:
            InputError: `encoded` is missing, of a wrong shape or not finite. ConfigError: there is no encoder.
        """
        attached = self.attached
        logits = Fixed((attached.vocabulary,), torch.float32, attached.device)
        parts: dict[str, Stateful] = {"sampler": sampler, "logits": logits}
        if self._turns is not None:
            parts["turns"] = self._turns.fork()
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

    def kind_of(self, session: Session) -> str:
        """The kind of plain input: "text" where the policy knows it, else its first."""
        keeps = session.policy.keeps
        return "text" if "text" in keeps or "*" in keeps else next(iter(keeps))


def _turns_of(tokenizer: Any) -> Turns | None:
    """How a conversation is written, where the tokenizer has a template that can be written turn by turn."""
    try:
        return Turns(tokenizer) if getattr(tokenizer, "chat_template", None) else None
    except ConfigError:
        return None


def policy_of(given: Any) -> Policy:
    """A policy, of a recipe what it builds, of None the default; ConfigError of anything else."""
    recipe = hasattr(given, "build") and not isinstance(given, type)
    built = DEFAULT if given is None else given.build() if recipe else given
    if not isinstance(built, Policy):
        raise ConfigError(f"{type(given).__name__} is no policy; use headrace.state.Policy or a recipe that builds one")
    return built
