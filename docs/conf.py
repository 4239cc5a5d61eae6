"""How Sphinx builds the pages that ``docs/build.py`` has put together."""

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from gym_suite.version import __version__

#: Where everybody can open the notebooks of the labs: the address of a service followed by that of the public folder
#: from which it takes them, without a slash at its end. Empty as long as there is none; then no page claims one.
notebook_address = ""

project = "gym_suite"
author = "The gym_suite maintainers"
copyright = "the gym_suite maintainers, MIT licence"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# Attributes of a class stand in its own docstring.
napoleon_use_ivar = True
maximum_signature_line_length = 80

html_theme = "furo"
html_title = f"gym_suite {release}"
html_static_path = [str(Path(__file__).resolve().parent / "static")]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False

#: A name that ends in an underscore, as ``gains_`` does; reStructuredText would take it for a link.
_TRAILING = re.compile(r"(?<![\w`])(\w+)_(?![\w`])")


def _names_stay_names(
    app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Escape the underscore at the end of a name in a docstring."""
    lines[:] = [_TRAILING.sub(r"\1\\_", line) for line in lines]


def setup(app: Any) -> None:
    """Connect what Sphinx calls while it reads docstrings."""
    app.connect("autodoc-process-docstring", _names_stay_names)
