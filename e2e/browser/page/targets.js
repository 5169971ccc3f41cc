// Finds controls that are smaller than 24 px in either direction, except links in
// a sentence (WCAG 2.2, 2.5.8). The area of its label belongs to a control.
() => {
  const least = 24;
  const wrong = [];
  for (const e of document.querySelectorAll("button, summary, select, input:not([type=hidden]), .btn, nav a, .chip, .tabs > label")) {
    if (!e.checkVisibility({ visibilityProperty: true }) || e.closest("[aria-hidden=true], .vh") || e.matches(".vh, .skip") || e.disabled) continue;
    const boxes = [e, ...(e.labels ?? [])].map((b) => b.getBoundingClientRect()).filter((r) => r.width > 0);
    if (!boxes.length || getComputedStyle(e).display === "inline") continue;
    // What lies around it, drawn or not, is hit as well.
    const grown = ["::before", "::after"].map((p) => getComputedStyle(e, p)).filter((p) => p.content !== "none" && p.position === "absolute");
    const extra = Math.max(0, ...grown.map((p) => -2 * parseFloat(p.top) || 0));
    const [w, h] = [Math.max(...boxes.map((r) => r.width)) + extra, Math.max(...boxes.map((r) => r.height)) + extra];
    if (w < least - 0.5 || h < least - 0.5) wrong.push(`${Math.round(w)}×${Math.round(h)} px: ${e.outerHTML.replace(/\s+/g, " ").slice(0, 110)}`);
  }
  return wrong;
}
