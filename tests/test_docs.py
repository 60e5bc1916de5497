"""What docs show is there, and nothing in them waits to be filled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]


def links(text: str) -> list[str]:
    """Targets of links and pictures that are files."""
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [one.partition("#")[0] for one in found if not re.match(r"[a-z]+:|#", one)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_leads_to_is_there(page: Path) -> None:
    lost = [target for target in links(page.read_text("utf-8")) if not (page.parent / target).exists()]
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_waits_to_be_filled(page: Path) -> None:
    assert re.findall(r"\bCAPACITY_\w+|\bTODO\b|\bTBD\b|\bFIXME\b", page.read_text("utf-8")) == []


def test_links_are_found() -> None:
    assert links("![a\nb](img/a.png) [c](d.md#e) [f](https://g) [h](#i)") == ["img/a.png", "d.md"]


def test_the_index_leads_to_every_page_of_the_guide() -> None:
    assert {"serving.md", "state.md", "watch.md"} <= set(links((ROOT / "docs" / "index.md").read_text("utf-8")))
