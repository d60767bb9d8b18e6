"""How pages are rendered: templates beside this package, filters for numbers, everything inside one file."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from brainalign.reports import numbers
from brainalign.reports.tables import first_line

SHORT_CELL = 28
"""Characters up to which a table cell stays on one line."""


def render_page(template: str, context: Mapping[str, Any]) -> str:
    """Render a page with its styles, its script and the plotting library inside, so that it needs no network."""
    environment = _environment()
    inside = {
        "plotly": _plotting_library(),
        "css": _template_text(environment, "style.css"),
        "script": _template_text(environment, "page.js"),
    }
    return environment.get_template(template).render({**context, **inside})


@cache
def _plotting_library() -> str:
    return str(get_plotlyjs()).replace("</script", "<\\/script")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("brainalign.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("decimal", "signed", "percent", "count", "duration", "is_number"):
        environment.filters[name] = getattr(numbers, name)
    environment.filters["typeset"] = typeset
    environment.filters["first_line"] = first_line
    environment.filters["width_class"] = width_class
    environment.filters["items_of"] = setting_items
    return environment


def typeset(text: str) -> str:
    """Put a true minus sign before numbers and keep per cent signs with theirs; hyphens inside names and dates stay."""
    text = re.sub(r"(?<=\d) %", "\u00a0%", text)
    return re.sub(r"(?<![\w.\-–])-(?=\d)", "−", text)


def width_class(cell: str) -> str:
    """Class of a table cell: short ones must not break, long ones must."""
    return "short" if len(cell) <= SHORT_CELL else "long"


def setting_items(setting: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Spell a setting's names and values as text, by name."""
    return [(name, numbers.plain(setting[name])) for name in sorted(setting)]


def _template_text(environment: Environment, name: str) -> str:
    """Source of a file beside the templates, not rendered."""
    if environment.loader is None:
        raise LookupError(f"expected templates of brainalign.reports, found none when looking for {name}")
    return environment.loader.get_source(environment, name)[0]


def platform_version() -> str:
    """Version of the package that writes the page."""
    try:
        return version("brainalign")
    except PackageNotFoundError:
        return "from a checkout"
