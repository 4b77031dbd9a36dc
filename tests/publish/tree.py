"""A body's HTML as the tree of nodes that the browser's verifier is handed outside a browser."""

from typing import Any

from selectolax.lexbor import LexborNode

from wirecopy.encoding import well_formed
from wirecopy.html import body

Node = str | tuple[str, list[tuple[str, str]], list[Any]]
"""The data of a text node; or an element's name, attributes and children."""


def tree(html: str) -> Node:
    """The ``body`` that a browser would build of *html*, comments left out."""
    return _node(body(well_formed(html)))


def _node(of: LexborNode) -> Node:
    attributes = [(name, value or "") for name, value in of.attributes.items()]
    children: list[Node] = []
    child = of.first_child
    while child is not None:
        if child.tag == "-text":
            children.append(child.text_content or "")
        elif child.tag and not child.tag.startswith("-"):
            children.append(_node(child))
        child = child.next
    return (of.tag or "", attributes, children)
