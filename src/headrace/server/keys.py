"""Keys: who may use the server, and how much of it."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from headrace.core.errors import ConfigError, InputError

#: Where keys are looked for if no file is named: keys with commas between.
VARIABLE = "HEADRACE_API_KEYS"
#: Characters of a key.
LEAST, MOST = 8, 512


@dataclass(frozen=True, slots=True)
class Key:
    """One client, without its secret.

    Attributes:
        name: in logs and metrics, and what owns sessions; a digest of the key unless its line gives one.
        sessions, requests: its own bounds, or 0 for those of all.
    """

    name: str
    sessions: int = 0
    requests: int = 0


#: Who asks where no keys are wanted.
ANYONE = Key("anyone")


class Keys:
    """The keys of a server; only salted digests of them are held.

    Args:
        lines: a key each, then optionally `name=…`, `sessions=N`, `requests=N`; empty ones and those that begin with
            "#" are skipped. None at all: everybody may.

    Raises:
        ConfigError: a line is not of this form; its key is not repeated.
    """

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._salt = secrets.token_bytes(32)
        self._known: list[tuple[bytes, Key]] = []
        for number, line in enumerate(lines, 1):
            words = line.split()
            if words and not words[0].startswith("#"):
                self._known.append(self._parse(number, words))
        names = [key.name for _, key in self._known]
        if len(set(names)) < len(names):
            raise ConfigError("API keys: a name or a key occurs twice; give each its own")

    @property
    def wanted(self) -> bool:
        """Whether a request needs a key."""
        return bool(self._known)

    def find(self, secret: str | None) -> Key | None:
        """Whose key this is; takes equally long for any wrong one."""
        if not self._known:
            return ANYONE
        digest = self._digest(secret or "")
        found = None
        for known, key in self._known:
            if hmac.compare_digest(known, digest):
                found = key
        return found

    def named(self, name: str) -> Key:
        """The key of this name; where it is not known any more, one with the bounds of all."""
        return next((key for _, key in self._known if key.name == name), Key(name))

    def _parse(self, number: int, words: list[str]) -> tuple[bytes, Key]:
        secret, *options = words
        if not LEAST <= len(secret) <= MOST or not secret.isascii() or not secret.isprintable():
            raise ConfigError(f"API keys, line {number}: a key has {LEAST} to {MOST} plain characters")
        given = {"name": "key-" + sha256(secret.encode()).hexdigest()[:12]}
        bounds = {"sessions": 0, "requests": 0}
        for option in options:
            name, _, value = option.partition("=")
            if name == "name" and value.isprintable() and value:
                given["name"] = value
            elif name in bounds and value.isdecimal() and 0 < int(value) < 1 << 31:
                bounds[name] = int(value)
            else:
                raise ConfigError(f"API keys, line {number}: after the key come name=…, sessions=N and requests=N")
        return self._digest(secret), Key(given["name"], bounds["sessions"], bounds["requests"])

    def _digest(self, secret: str) -> bytes:
        return hmac.digest(self._salt, secret.encode("utf-8", "replace"), "sha256")


def load_keys(path: str | os.PathLike[str] | None, environ: str | None = None) -> Keys:
    """The keys of a file, else those of `environ` (the value of $HEADRACE_API_KEYS), else none.

    Raises:
        InputError: the file cannot be read.
        ConfigError: it has no key, or a line of another form.
    """
    if path is None:
        return Keys((environ or "").split(","))
    try:
        keys = Keys(Path(path).read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is no text"
        raise InputError(f"{path}: {why}; give a file with one API key a line") from error
    if not keys.wanted:
        raise ConfigError(f"{path}: has no API key; write one a line")
    return keys


def bearer(authorization: str | None) -> str | None:
    """The secret of an Authorization header."""
    kind, _, secret = (authorization or "").partition(" ")
    return secret.strip() or None if kind.lower() == "bearer" else None
