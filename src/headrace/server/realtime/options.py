"""Options: how a realtime session is configured, in GA's nested form and in the beta's flat one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from headrace.engine.opening import Opening
from headrace.server.front import Front
from headrace.server.keys import Key
from headrace.server.live.schema import OpenBody
from headrace.server.realtime.events import EventError, read

#: Fields that a text session has no use for, and that clients send all the same.
PASSED_OVER = frozenset({"id", "object", "model", "expires_at", "include", "tracing", "truncation", "voice", "prompt",
                         "reasoning", "parallel_tool_calls", "tool_choice", "speed", "client_secret",
                         "input_audio_format", "output_audio_format", "input_audio_transcription",
                         "input_audio_noise_reduction"})  # fmt: skip


@dataclass(frozen=True)
class Options:
    """Attributes are GA's, but for `interrupts`: an item that comes while a response is under way ends it.

    `headrace` is the body of POST /v1/sessions: how the session underneath is opened.
    """

    instructions: str = ""
    max_output_tokens: int | Literal["inf"] = "inf"
    interrupts: bool = True
    turn_detection: Mapping[str, Any] | None = field(default_factory=lambda: {"type": "server_vad"})
    headrace: OpenBody = field(default_factory=lambda: OpenBody.model_validate({}))

    def updated(self, session: Mapping[str, Any]) -> Options:
        """With what `session.update` brings; EventError, and nothing changed, if it cannot be so."""
        new = self
        for name, value in session.items():
            match name:
                case "type":
                    if value != "realtime":
                        raise EventError(f"session.type={value!r}: only realtime is served here", param="session.type")
                case "instructions":
                    if not isinstance(value, str):
                        raise EventError("session.instructions: give text", param="session.instructions")
                    new = replace(new, instructions=value)
                case "max_output_tokens" | "max_response_output_tokens":
                    new = replace(new, max_output_tokens=limit(value, f"session.{name}"))
                case "output_modalities" | "modalities":
                    check_modalities(value, f"session.{name}")
                case "turn_detection":
                    new = new._turned(value, "session.turn_detection")
                case "audio":
                    heard = value.get("input") if isinstance(value, dict) else None
                    if isinstance(heard, dict) and "turn_detection" in heard:
                        new = new._turned(heard["turn_detection"], "session.audio.input.turn_detection")
                case "temperature":
                    given = {**self.headrace.model_dump(exclude_unset=True), "sampling": {"temperature": value}}
                    new = replace(new, headrace=read(OpenBody, given, "session"))
                case "tools":
                    if value:
                        raise EventError("session.tools: no functions are called here", "unsupported", "session.tools")
                case "headrace":
                    new = replace(new, headrace=read(OpenBody, value, "session.headrace"))
                    if new.headrace.standing or new.headrace.durable:
                        raise EventError(
                            "session.headrace: standing questions and durable sessions are of /v1/sessions",
                            param="session.headrace",
                        )
                case _ if name not in PASSED_OVER:
                    raise EventError(f"session.{name[:64]}: unknown", "unknown_parameter", f"session.{name[:64]}")
        return new

    def opening(self, key: Key, budget: int = 0) -> Opening:
        """How the session underneath is opened: what comes while a reply is under way waits for its end."""
        return replace(self.headrace.opening(key, budget), meanwhile="queue")

    def describe(self, name: str, front: Front) -> dict[str, Any]:
        """GA's session object."""
        return {
            "type": "realtime",
            "object": "realtime.session",
            "id": name,
            "model": front.model,
            "output_modalities": ["text"],
            "instructions": self.instructions,
            "max_output_tokens": self.max_output_tokens,
            "tools": [],
            "tool_choice": "auto",
            "audio": {"input": {"turn_detection": self.turn_detection}},
            "headrace": self.headrace.model_dump(mode="json", exclude_unset=True),
        }

    def _turned(self, value: Any, where: str) -> Options:
        if value is None:
            return replace(self, turn_detection=None, interrupts=False)
        if not isinstance(value, dict) or not isinstance(value.get("interrupt_response", True), bool):
            raise EventError(f"{where}: give null or an object; interrupt_response is true or false", param=where)
        kept = {name: value[name] for name in ("type", "create_response", "interrupt_response") if name in value}
        return replace(self, turn_detection=kept, interrupts=value.get("interrupt_response", True))


def limit(value: Any, where: str) -> int | Literal["inf"]:
    """A number of tokens, or "inf"."""
    if value == "inf" and isinstance(value, str):
        return "inf"
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 31:
        raise EventError(f'{where}: give a whole number above 0 or "inf"', param=where)
    return value


def check_modalities(value: Any, where: str) -> None:
    """EventError unless text is among them: there is nothing else that could come."""
    if value is not None and not (isinstance(value, list) and "text" in value):
        raise EventError(f'{where}: this model says text; give ["text"]', "unsupported", where)
