"""Read a report back as a browser would: text, tables, plot specifications, addresses."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

_VOID = {"meta", "link", "img", "input", "br"}


@dataclass
class Page:
    """A report, read back. Text leaves out scripts and styles; tables are keyed by their label."""

    text: str = ""
    title: str = ""
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    specs: dict[str, dict[str, Any]] = field(default_factory=dict)
    loaded: list[str] = field(default_factory=list)
    open_tags: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def row(self, label: str, first: str) -> list[str]:
        """The row of a table whose first cell is `first`."""
        return next(row for row in self.tables[label] if row[0] == first)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._table: list[list[str]] | None = None
        self._script: str | None = None
        self._label = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.page.ids += [given["id"]] if "id" in given else []
        self.page.labels += [given["aria-label"]] if "aria-label" in given else []
        for name in ("src", "srcset", "data", "poster", "action", "background"):
            self.page.loaded += [given[name]] if name in given else []
        self.page.loaded += [given["href"]] if tag == "link" and "href" in given else []
        if tag not in _VOID:
            self.page.open_tags.append(tag)
        if tag == "script":
            self._script = given.get("id", "") if given.get("type") == "application/json" else ""
        if tag == "div" and given.get("role") == "region":
            self._label = given["aria-label"]
        if tag == "table":
            self._table = self.page.tables.setdefault(self._label, [])
        if tag == "tr" and self._table is not None:
            self._table.append([])
        if tag in ("td", "th") and self._table is not None:
            self._table[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Parts of a drawing such as `<stop/>`: nothing to read."""

    def handle_endtag(self, tag: str) -> None:
        opened = self.page.open_tags.pop() if self.page.open_tags else "nothing"
        assert opened == tag, f"</{tag}> closes <{opened}>"
        if tag in ("td", "th") and self._table:
            self._table[-1][-1] = " ".join(self._table[-1][-1].split())
        if tag == "table":
            self._table = None

    def handle_data(self, data: str) -> None:
        inside = self.page.open_tags[-1] if self.page.open_tags else ""
        if inside == "script":
            if self._script:
                self.page.specs[self._script.removeprefix("spec-")] = json.loads(data)
        elif inside == "title":
            self.page.title += data
        elif inside != "style":
            self.page.text += data
            if self._table and {"td", "th"} & set(self.page.open_tags):
                self._table[-1][-1] += data


def read_page(path: Path) -> Page:
    """Parse a report; fails where tags are unbalanced."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    assert not reader.page.open_tags
    reader.page.text = " ".join(reader.page.text.split())
    return reader.page
