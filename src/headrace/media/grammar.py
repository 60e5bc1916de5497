"""Grammar: a closed set of commands in JSGF, checked before anything is heard.

JSpeech Grammar Format, W3C Note of 5 June 2000. Of the format, imports are not taken; every public rule may be said.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from headrace.core.errors import ConfigError

#: The rule that `whole` adds: any of the public ones.
TOP = "headrace-any"


def whole(text: str, path: Path) -> tuple[str, str]:
    """The grammar with `TOP` as its one public rule and all words in lower case, and the full name of that rule.

    Raises:
        ConfigError: no JSGF header, no grammar name or public rule, an import, or a rule that is not defined.
    """
    bare = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
    header, semicolon, body = bare.partition(";")
    body = body.lower()
    named = re.match(r"\s*grammar\s+([\w.$-]+)\s*;", body)
    if not header.lstrip().startswith("#JSGF") or not semicolon or not named:
        raise ConfigError(f"{path}: not a JSGF grammar; it begins with '#JSGF V1.0;' and 'grammar NAME;'")
    if re.search(r"\bimport\s*<", body):
        raise ConfigError(f"{path}: imports are not supported; put all rules into this file")
    defined = set(re.findall(r"<([^<>]+)>\s*=", body))
    public = re.findall(r"\bpublic\s*<([^<>]+)>\s*=", body)
    if not public:
        raise ConfigError(f"{path}: has no public rule, so nothing can be said; write 'public <command> = …;'")
    if unknown := set(re.findall(r"<([^<>]+)>", body)) - defined - {"null", "void"}:
        raise ConfigError(f"{path}: the rule <{min(unknown)}> is used, but not defined; define it or correct its name")
    body = re.sub(r"\bpublic\s*(?=<)", "", body).replace("<null>", "<NULL>").replace("<void>", "<VOID>")
    anything = " | ".join(f"<{name}>" for name in public)
    return f"{header};{body}\npublic <{TOP}> = {anything};\n", f"{named[1]}.{TOP}"


def accepted(fsg: str, path: Path) -> set[str]:
    """The words on the ways through a finite state grammar, as Sphinx writes it; ConfigError if there are none."""
    start = re.search(r"^(?:START_STATE|S) (\d+)", fsg, flags=re.MULTILINE)
    final = re.search(r"^(?:FINAL_STATE|F) (\d+)", fsg, flags=re.MULTILINE)
    arcs = re.findall(r"^(?:TRANSITION|T) (\d+) (\d+) \S+ ?(\S*)$", fsg, flags=re.MULTILINE)
    if start is None or final is None:
        raise ConfigError(f"{path}: the grammar cannot be read; check it")
    ahead, back = defaultdict(list), defaultdict(list)
    for here, there, _ in arcs:
        ahead[here].append(there)
        back[there].append(here)
    reached, leading = _reach(start[1], ahead), _reach(final[1], back)
    words = {word for here, there, word in arcs if word and here in reached and there in leading}
    if not words:
        raise ConfigError(f"{path}: no command of the grammar can be said to its end; check its rules")
    return words


def _reach(state: str, arcs: dict[str, list[str]]) -> set[str]:
    seen, waiting = {state}, [state]
    while waiting:
        found = set(arcs.get(waiting.pop(), ())) - seen
        seen |= found
        waiting += found
    return seen
