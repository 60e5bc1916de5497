"""Turns: a chat template, written as the conversation goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Self

from headrace.core.errors import ConfigError, StateError
from headrace.core.stateful import Snapshot

#: Turns of one round (a user's turn and what follows it) that are remembered; rounds that are remembered.
TURNS, ROUNDS = 6, 2
#: What stands around a content to learn what the template strips.
PADDING = " \n"
#: Characters of special tokens that a template may write around a content, in `max_bytes`.
MARKS = 1024
#: Rounds of the conversations that are tried when a template is taken.
TRIED = 2 * ROUNDS + 1


class Turns:
    """What a chat template writes before and after each content, one turn at a time; Stateful.

    For every conversation, `open(role) + content(text) + close()` of all turns, joined, is
    `apply_chat_template(messages, tokenize=False)` after each turn but a system's, which some templates write only
    with what follows. `open("assistant")` is the generation prompt. Tokenise these texts with
    `add_special_tokens=False`: a template writes its own.

    The strings are found by rendering the last few turns with sentinels for contents and taking the text between. Of
    a conversation only the roles of its last two rounds are remembered, and whether a system turn came first: enough
    for templates that treat the first turn, the last one or a turn's neighbours in their own way, or insist on an
    order. A template that writes earlier turns anew (reasoning that is dropped from older replies) cannot be streamed
    and is refused; one that moves the system text to the last question is taken without that role. What a template does
    to particular words of a content is not known here, only that quotes, markup and blank lines stay.

    Args:
        tokenizer: of transformers, or anything with `apply_chat_template` and `chat_template`.
        roles: which are going to be used.
        template: used in place of the tokenizer's own.
        variables: what the template is given besides messages, such as {"enable_thinking": False}.

    Raises:
        ConfigError: there is no template, or it cannot be written turn by turn.

    Attributes:
        roles: those that may be opened; "system" is missing where the template has no place for it.
    """

    def __init__(
        self,
        tokenizer: Any,
        roles: Sequence[str] = ("system", "user", "assistant"),
        template: str | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        self.roles = tuple(roles)
        self._refused = ""  # why there is no system
        self._tokenizer, self._variables = tokenizer, dict(variables or {})
        used = template or getattr(tokenizer, "chat_template", None)
        if not isinstance(used, str):
            raise ConfigError("the tokenizer has no single chat template; give one as template=")
        self._template: str = used
        self.reset()
        self._try()

    def reset(self) -> None:
        self._past: tuple[str, ...] = ()
        self._closed: str = ""  # how the last turn ended
        self._role: str | None = None
        self._lead: str = ""  # what stands before a content that is given
        self._strip: tuple[bool, bool] = (False, False)

    @property
    def role(self) -> str | None:
        """Whose turn is open."""
        return self._role

    def open(self, role: str) -> str:
        """Begin a turn: the text up to its content.

        Raises:
            StateError: a turn is open, or the template refuses this role here.
            ConfigError: the role is none of `roles`.
        """
        if self._role is not None:
            raise StateError(f"turn {role!r}: the turn of {self._role!r} is open; close it first")
        if role not in self.roles:
            why = f": {self._refused}" if role == "system" and self._refused else ""
            raise ConfigError(f"turn {role!r}: the roles are {', '.join(self.roles)}{why}")
        lead = self._before(role)
        opening = lead
        if role == "assistant" and self._past:
            prompt = self._prompt()
            if prompt and not (lead.startswith(prompt) and not lead[len(prompt) :].strip()):
                raise ConfigError(
                    f"the chat template asks for a reply with {prompt!r} but writes replies after {lead!r}; "
                    "give another template"
                )
            if prompt or not lead.strip():
                opening = prompt
        self._role, self._lead = role, lead[len(opening) :]
        self._strip = self._stripped(role)
        return opening

    def content(self, text: str) -> str:
        """A whole content as the template writes it into the open turn: stripped where it strips.

        Where replies begin with a space that is not part of the generation prompt (the model says it itself), a content
        that is given gets it. Whoever gives a content in pieces strips it himself.
        """
        self._needs_open("content")
        left, right = self._strip
        text = text.lstrip() if left else text
        return self._lead + (text.rstrip() if right else text)

    def close(self, said: str = "") -> str:
        """End the turn: the text after its content.

        Args:
            said: the end of what the model said itself, such as its end-of-turn token; not written twice.
        """
        role = self._needs_open("close")
        self._closed = self._after(role)
        self._past = _recent([*self._past, role])
        self._role, self._lead, self._strip = None, "", (False, False)
        overlap = next((n for n in range(len(self._closed), 0, -1) if said.endswith(self._closed[:n])), 0)
        return self._closed[overlap:]

    def _needs_open(self, verb: str) -> str:
        if self._role is None:
            raise StateError(f"{verb}: no turn is open; open one first")
        return self._role

    # -- rendering ----------------------------------------------------------------------------

    def _before(self, role: str) -> str:
        """From the end of the last turn to the content of a turn of `role`."""
        roles = [*self._past, role]
        text = self._render(roles)
        gap, _ = _around(text, len(roles) - 1, role)
        if not self._past:
            return gap
        if not gap.startswith(self._closed):
            raise ConfigError(
                f"the chat template ends a turn of {self._past[-1]!r} with {self._closed!r}, but before a turn of "
                f"{role!r} with {gap[: len(self._closed)]!r}; a turn cannot be taken back, give another template"
            )
        return gap[len(self._closed) :]

    def _after(self, role: str) -> str:
        """From the content of the open turn to its end."""
        at = len(self._past)
        if role != "system":
            return _around(self._render([*self._past, role]), at, role)[1]
        try:
            alone = _around(self._render([*self._past, role], follow=False), at, role)[1]
            followed, _ = _around(self._render([*self._past, role, "user"]), at + 1, "user")
        except StateError:
            return ""
        return alone if followed.startswith(alone) else ""

    def _prompt(self) -> str:
        """The generation prompt; "" if the template has none here."""
        try:
            text = self._render(list(self._past), follow=False, add_generation_prompt=True)
            _, end = _around(text, len(self._past) - 1, self._past[-1])
        except StateError:
            return ""
        return end.removeprefix(self._closed)

    def _stripped(self, role: str) -> tuple[bool, bool]:
        """Whether white space is taken from the left and from the right of the content of a turn of `role`."""
        at = len(self._past)
        plain = self._render([*self._past, role])
        padded = self._render([*self._past, role], pad=at)
        left, right = plain.split(_sentinel(at))
        middle = padded.removeprefix(left).removesuffix(right)
        for lstrip in (False, True):
            for rstrip in (False, True):
                text = f"{'' if lstrip else PADDING}{_sentinel(at)}{'' if rstrip else PADDING}"
                if middle == text and len(padded) == len(left) + len(text) + len(right):
                    return lstrip, rstrip
        raise ConfigError(
            f"the chat template does not write contents of {role!r} as they are: {middle!r}; give another template"
        )

    def _render(self, roles: list[str], pad: int | None = None, follow: bool = True, **options: Any) -> str:
        """The conversation of these roles with sentinels; a last system turn is followed by a user's, unless told."""
        if follow and roles[-1] == "system":
            roles = [*roles, "user"]
        messages = [{"role": role, "content": _sentinel(at)} for at, role in enumerate(roles)]
        if pad is not None:
            messages[pad]["content"] = f"{PADDING}{messages[pad]['content']}{PADDING}"
        return self._apply(messages, **options)

    def _apply(self, messages: list[dict[str, str]], **options: Any) -> str:
        try:
            text: str = self._tokenizer.apply_chat_template(
                messages, chat_template=self._template, tokenize=False, **self._variables, **options
            )
        except Exception as error:  # a template may raise anything
            order = ", ".join(message["role"] for message in messages)
            raise StateError(f"the chat template refuses turns of {order}: {_line(error)}") from error
        return text

    # -- the trial ----------------------------------------------------------------------------

    def _try(self) -> None:
        """Write conversations turn by turn and compare with the whole."""
        rounds = ["user", "assistant"] * TRIED
        others = [role for role in self.roles if role not in ("system", "user", "assistant")]
        plans = [rounds, *(["user", "assistant", role, "assistant"] * TRIED for role in others)]
        for plan in plans:
            try:
                self._write(plan)
            except StateError as error:
                raise ConfigError(f"{error}; give another template") from error
        if "system" in self.roles:
            try:
                self._write(["system", *rounds])
            except (StateError, ConfigError) as error:
                self._refused = str(error)
                self.roles = tuple(role for role in self.roles if role != "system")
        self.reset()

    def _write(self, plan: list[str]) -> None:
        self.reset()
        written, messages = "", []
        for at, role in enumerate(plan):
            text = f"Content {at}"
            written += self.open(role) + self.content(text) + self.close()
            messages.append({"role": role, "content": text})
            if role != "system" and written != self._apply(messages):
                raise ConfigError(
                    f"the chat template writes earlier turns anew at turn {at + 1} ({role!r}); give another template"
                )

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        meta = {
            "template": self._digest(),
            "past": list(self._past),
            "closed": self._closed,
            "role": self._role,
            "lead": self._lead,
            "strip": list(self._strip),
        }
        return Snapshot("turns", meta)

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("turns").meta
        if meta["template"] != self._digest():
            raise StateError("the snapshot was made with another chat template; restore it with the same model")
        self._past, self._closed, self._role = tuple(meta["past"]), meta["closed"], meta["role"]
        self._lead, self._strip = meta["lead"], (bool(meta["strip"][0]), bool(meta["strip"][1]))

    def fork(self) -> Self:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def nbytes(self) -> int:
        roles = sum(map(len, self._past)) + len(self._role or "")
        return 4 * (roles + len(self._closed) + len(self._lead)) + 2

    def max_bytes(self) -> int:
        longest = max(map(len, self.roles)) * (ROUNDS * TURNS + 2)
        return 4 * (longest + 2 * len(self._template) + MARKS) + 2

    def _digest(self) -> str:
        told = f"{self._template}\0{sorted(self._variables.items())!r}"
        return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _recent(roles: Sequence[str]) -> tuple[str, ...]:
    """A short conversation that ends as this one does: a first system turn, the last rounds, none of them long.

    Args:
        roles: such a short conversation and one turn more.
    """
    head = roles[:1] if roles[0] == "system" else []
    rounds: list[list[str]] = [[]]
    for role in roles[len(head) :]:
        if role == "user" and rounds[-1]:
            rounds.append([])
        rounds[-1].append(role)
    # two go at a time: templates count turns to see whose it is
    short = [one if len(one) <= TURNS else [*one[:2], *one[4:]] for one in rounds]
    return (*head, *(role for one in short[-ROUNDS:] for role in one))


def _sentinel(at: int) -> str:
    """A content that a template has no reason to change, and that would show if it did."""
    return f"⟦{at}⟧ a \"b\" 'c' \\ <d> & {{e}}\n\nF ⟦/{at}⟧"


def _around(text: str, at: int, role: str) -> tuple[str, str]:
    """The text between content at - 1 (or the start) and content `at`, and the text from there to the next (or end)."""
    pieces = text.split(_sentinel(at))
    if len(pieces) != 2:
        raise StateError(f"the chat template does not write a turn of {role!r} here, word by word and once")
    before, after = pieces
    if at:
        before = before.rpartition(_sentinel(at - 1))[2]
    return before, after.partition(_sentinel(at + 1))[0]


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
