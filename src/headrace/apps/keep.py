"""Keep: how long what a run stores is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND

#: What can be named in a rule, with the kind of emission and row it is.
KINDS = {"text": "text", "speech": "speech", "sounds": "sound", "events": "event", "thumbnails": "thumbnail"}
#: The kinds of row in a memory.
ROWS = ("text", "speech", "sound", "event")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd])")


@dataclass(frozen=True)
class Keep:
    """Retention: the greatest age of each kind on disk, by the clock of its stream.

    Rules are written KIND=AGE, AGE being `0` (never stored), a number with s, m, h or d, or `forever`; KIND is one of
    `KINDS` or `all`. Later rules win. What has no rule is kept as long as memory and disk budgets allow.

    Attributes:
        ages: ns for each kind that has a limit.
    """

    ages: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, rules: Sequence[str]) -> Self:
        """Raises ConfigError if a rule cannot be read."""
        ages: dict[str, int] = {}
        for rule in rules:
            name, _, age = rule.partition("=")
            kinds = list(KINDS.values()) if name == "all" else [KINDS[name]] if name in KINDS else []
            match = _AGE.fullmatch(age)
            if not kinds or not (match or age in ("0", "forever")):
                raise ConfigError(
                    f"--keep {rule!r} is no rule; write KIND=AGE, such as thumbnails=2h, text=30d or speech=0, "
                    f"with KIND one of {', '.join((*KINDS, 'all'))} and AGE 0, a number with s, m, h or d, or forever"
                )
            for kind in kinds:
                ages.pop(kind, None)
                if age != "forever":
                    ages[kind] = round(float(match[1]) * _UNITS[match[2]] * SECOND) if match else 0
        return cls(ages)

    def stores(self, kind: str) -> bool:
        """Whether anything of that kind may be written to disk."""
        return self.ages.get(kind) != 0

    def before(self, kind: str, now: int) -> int | None:
        """Media time in ns before which what is of that kind must go, None if there is no limit of age."""
        age = self.ages.get(kind)
        return now - age if age else None

    @property
    def unstored(self) -> list[str]:
        """The kinds of row that are never written to disk."""
        return [kind for kind in ROWS if not self.stores(kind)]

    @property
    def private(self) -> bool:
        """Whether text, speech or pictures are never written to disk: then nor is what operators hold of them."""
        return not all(map(self.stores, ("text", "speech", "thumbnail")))

    @property
    def shortest(self) -> int | None:
        """The shortest age, ns, above 0: how old words in the trace may become."""
        return min((age for kind, age in self.ages.items() if age and kind != "thumbnail"), default=None)
