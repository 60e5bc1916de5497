"""Registry: which recipes exist, where their source is, and how to load one.

Built-in recipes are the modules of this package named as a row of `data/papers.tsv`. Others come
from the entry point group `headrace.recipes`, whose names are recipe names and whose values are
`package.module:Class`. Finding a recipe reads its source and imports nothing, so that a list is
quick and one broken package spoils neither the list nor the others; loading one imports its module.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import blake2b
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import cast

from headrace.core.errors import ConfigError, HeadraceError
from headrace.core.recipe import Recipe, Row

GROUP = "headrace.recipes"
#: Family of recipes that no row of the table of papers names.
THIRD_PARTY = "third-party"


@dataclass(frozen=True)
class Entry:
    """Where one recipe lives.

    Attributes:
        name: the recipe's name.
        module: dotted name of its module.
        attribute: name of its class; empty: the module's Recipe of that `name`.
        source: file of the module, or None if it was not found.
        package: distribution that brings it; empty: headrace itself.
        broken: why it cannot be loaded, as far as its source tells; empty if nothing is wrong.
    """

    name: str
    module: str
    attribute: str = ""
    source: Path | None = None
    package: str = ""
    broken: str = ""

    def digest(self) -> str:
        """Sixteen hex digits of the source file, by which a result is known to be of this version."""
        data = self.source.read_bytes() if self.source else b""
        return blake2b(data, digest_size=8).hexdigest()

    def load(self) -> type[Recipe]:
        """Import the module and return the recipe's class.

        Raises:
            ConfigError: the module does not import, or holds no such recipe; one line that names
                the package to blame or the pip command that helps.
        """
        if self.broken:
            raise ConfigError(f"recipe {self.name} of {self.owner} is broken: {self.broken}")
        try:
            module = import_module(self.module)
            found = self._find(vars(module))
        except HeadraceError:
            raise
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            hint = "" if self.package else "; pip install 'headrace[all]' brings the optional parts"
            raise ConfigError(f"recipe {self.name} of {self.owner} does not load: {reason}{hint}") from error
        if found is None:
            wanted = f'usable Recipe with name "{self.name}" and a claim'
            raise ConfigError(f"recipe {self.name} of {self.owner} is broken: {self.module} has no {wanted}")
        return found

    @property
    def owner(self) -> str:
        """Whom to ask about it."""
        return f"package {self.package}" if self.package else "headrace"

    def _find(self, names: dict[str, object]) -> type[Recipe] | None:
        candidates = [names.get(self.attribute)] if self.attribute else list(names.values())
        for value in candidates:
            usable = isinstance(value, type) and issubclass(value, Recipe) and not inspect.isabstract(value)
            if usable and getattr(value, "name", "") == self.name and hasattr(value, "claim"):
                return cast(type[Recipe], value)
        return None


@dataclass(frozen=True)
class Registry:
    """All recipes, by name, and the table of papers.

    Attributes:
        entries: recipes that exist.
        papers: rows of the table by name, in its order; their status is "planned".
        problems: one line for each third-party recipe that is broken or not used.
    """

    entries: Mapping[str, Entry]
    papers: Mapping[str, Row]
    problems: tuple[str, ...] = field(default=())

    def names(self) -> list[str]:
        """The table's names in its order, then third-party names by alphabet."""
        return [*self.papers, *sorted(set(self.entries) - set(self.papers))]

    def entry(self, name: str) -> Entry:
        """Where the recipe lives; ConfigError if the name is unknown or only planned."""
        self.expect(name)
        if name not in self.entries:
            raise ConfigError(f"recipe {name} is planned, nothing builds it yet; see recipes --status works")
        return self.entries[name]

    def expect(self, name: str) -> None:
        """ConfigError with close matches if no row and no recipe has that name."""
        if name not in self.papers and name not in self.entries:
            raise ConfigError(f"unknown recipe {name!r}; {suggest(name, self.names(), 'headrace recipes')}")

    def row(self, name: str) -> Row:
        """A fresh row of the list, without results."""
        self.expect(name)
        if name in self.papers:
            paper = self.papers[name]
            return Row(name, paper.title, paper.family, paper.paper_claim, paper.brings, paper.works_when)
        entry = self.entries[name]
        title, claim = described(entry)
        return Row(name, title, THIRD_PARTY, claim, f"brought by {entry.owner}", "")


def suggest(word: str, known: Iterable[str], lister: str) -> str:
    """ "did you mean …?" if something known is close, else which command lists what is."""
    close = get_close_matches(word.lower(), list(known), n=3, cutoff=0.6)
    return f"did you mean {', '.join(close)}?" if close else f"{lister} lists all"


def open_registry(points: Iterable[EntryPoint] | None = None) -> Registry:
    """Find every recipe; `points` are the entry points to use, by default those installed."""
    papers = {row.recipe: row for row in read_papers()}
    entries = dict(_built_in(papers))
    problems = []
    for point in sorted(entry_points(group=GROUP) if points is None else points, key=lambda p: p.name):
        entry = _third_party(point)
        if point.name in entries:
            problems.append(f"recipe {point.name} of {entry.owner} is not used: the name is taken")
            continue
        if entry.broken:
            problems.append(f"recipe {point.name} of {entry.owner} is broken: {entry.broken}")
        entries[point.name] = entry
    return Registry(entries, papers, tuple(problems))


def read_papers() -> Iterator[Row]:
    """Rows of the table of papers, all of them "planned"."""
    lines = (_here() / "data" / "papers.tsv").read_text(encoding="utf-8").splitlines()
    for line in lines[1:]:
        recipe, title, family, claim, brings, works_when = line.split("\t")
        yield Row(recipe, title, family, claim, brings, works_when)


def described(entry: Entry) -> tuple[str, str]:
    """Title (first line of the docstring) and claim of a recipe, read from its source; "" if unknown."""
    tree = _parse(entry.source)
    for node in tree.body if tree else ():
        if isinstance(node, ast.ClassDef) and node.name == entry.attribute:
            doc = ast.get_docstring(node) or ""
            return doc.split("\n")[0], _constant(node, "claim")
    return "", ""


def locate(module: str) -> Path | None:
    """The source file of a module, found without importing it or any of its parents."""
    places: list[str] | None = None
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:depth]), places)
        if spec is None:
            return None
        places = list(spec.submodule_search_locations or ())
    return Path(spec.origin) if spec and spec.origin and spec.has_location else None


def _built_in(names: Iterable[str]) -> Iterator[tuple[str, Entry]]:
    for name in names:
        source = _here() / f"{name}.py"
        if source.is_file():
            yield name, Entry(name, f"headrace.recipes.{name}", source=source)


def _third_party(point: EntryPoint) -> Entry:
    package = point.dist.name if point.dist else "unknown"
    match = re.fullmatch(r"\s*([\w.]+)\s*:\s*(\w+)\s*(\[.*\])?\s*", point.value)
    if match is None:
        broken = f"entry point {point.value!r} is not of the form package.module:Class"
        return Entry(point.name, "", package=package, broken=broken)
    source = locate(match[1])
    broken = ""
    if source is None:
        broken = f"module {match[1]} is not found"
    elif source.suffix == ".py" and _parse(source) is None:
        broken = f"{source.name} is not valid Python"
    return Entry(point.name, match[1], match[2], source, package, broken)


def _parse(source: Path | None) -> ast.Module | None:
    try:
        return ast.parse(source.read_bytes()) if source else None
    except (OSError, SyntaxError, ValueError):
        return None


def _constant(node: ast.ClassDef, name: str) -> str:
    """The text that the body of a class gives to `name`; empty if it is not a plain text."""
    for statement in node.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Constant):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return str(statement.value.value)
    return ""


def _here() -> Path:
    return Path(__file__).parent
