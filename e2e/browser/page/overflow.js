// Reports by how much the page is wider than the window, and what overflows:
// elements and texts that nothing around them cuts off or scrolls.
() => {
  const page = document.scrollingElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  const free = (e) => e === document.body || (getComputedStyle(e).overflowX === "visible" && free(e.parentElement));
  const out = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (walker.nextNode()) {
    const n = walker.currentNode, around = n.parentElement;
    if (n.nodeType === Node.TEXT_NODE) range.selectNodeContents(n);
    const right = (n.nodeType === Node.TEXT_NODE ? range : n).getBoundingClientRect().right;
    if (right > page.clientWidth + 0.5 && free(around)) out.push(`to ${Math.round(right)}: ${(n.outerHTML ?? around.outerHTML).replace(/\s+/g, " ").slice(0, 120)}`);
  }
  return [`${location.pathname} is ${page.scrollWidth} px wide in a window of ${page.clientWidth}`, ...out.slice(-4)];
}
