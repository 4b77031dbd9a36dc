"""A body's HTML as the tree of nodes that the browser's verifier is handed outside a browser."""

from typing import Any

from selectolax.lexbor import LexborNode

from wirecopy.encoding import well_formed
from wirecopy.html import body

Node = str | tuple[str, list[tuple[str, str]], list[Any]]
"""The data of a text node; an element's name, attributes and children; of a comment no name."""


def tree(html: str) -> Node:
    """What a browser would build of *html*: the ``html`` that holds its ``body`` alone."""
    found = body(well_formed(html))
    around = found.parent
    assert around is not None
    return ("html", _attributes(around), [_node(found)])


def _attributes(of: LexborNode) -> list[tuple[str, str]]:
    return [(name, value or "") for name, value in of.attributes.items()]


def _node(of: LexborNode) -> Node:
    children: list[Node] = []
    child = of.first_child
    while child is not None:
        if child.tag == "-text":
            children.append(child.text_content or "")
        elif child.tag and child.tag[0].isalpha():
            children.append(_node(child))
        else:
            children.append(("", [], []))
        child = child.next
    return (of.tag or "", _attributes(of), children)
