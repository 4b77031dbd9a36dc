// As much of DOM's interface as the verifier asks of a tree, over the nodes of tests/publish/tree.py.

export function body(node) {
  return grow(node, null).firstChild;
}

function grow(node, parentNode) {
  if (typeof node === "string") return { nodeType: 3, data: node, parentNode, firstChild: null };
  const [localName, attributes, children] = node;
  if (localName === "") return { nodeType: 8, parentNode, firstChild: null };
  const values = new Map(attributes);
  const element = {
    nodeType: 1,
    localName,
    parentNode,
    getAttributeNames: () => [...values.keys()],
    getAttribute: (name) => values.get(name) ?? null,
  };
  const grown = children.map((child) => grow(child, element));
  grown.forEach((child, at) => {
    child.nextSibling = grown[at + 1] ?? null;
  });
  element.firstChild = grown[0] ?? null;
  return element;
}
