"""Equations as MathML, made when the pages are built: no script, and nothing is fetched when a page is read.

Sphinx's own choices load a script from elsewhere or need a TeX installation. Docutils has a translator from LaTeX to
MathML, which browsers have understood since 2023.
"""

from __future__ import annotations

from html import escape
from typing import Any

from docutils.utils.math import MathError, latex2mathml
from sphinx.application import Sphinx
from sphinx.errors import SphinxError


def _mathml(code: str, *, block: bool) -> str:
    try:
        return latex2mathml.tex2mathml(code, as_block=block)
    except MathError as error:
        raise SphinxError(f"this equation cannot be shown: {code!r}: {error}") from error


def _inline(translator: Any, node: Any) -> None:
    translator.body.append(_mathml(node.astext(), block=False))


def _block(translator: Any, node: Any) -> None:
    label = escape(node.get("label") or "", quote=True)
    anchor = f' id="equation-{label}"' if label else ""
    translator.body.append(
        f'<div class="equation"{anchor}>{_mathml(node.astext(), block=True)}</div>'
    )


def _nothing(translator: Any, node: Any) -> None:
    """The equation was written as a whole when its node was entered."""


def _leave(visit: Any) -> Any:
    """Return a visitor that writes the node and skips its children."""

    def visited(translator: Any, node: Any) -> None:
        from docutils.nodes import SkipNode

        visit(translator, node)
        raise SkipNode

    return visited


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer under the name "mathml"."""
    app.add_html_math_renderer("mathml", (_leave(_inline), _nothing), (_leave(_block), _nothing))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
