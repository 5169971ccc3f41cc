// Finds what a person would point at: a visible control by its kind and name.
// Returns where to point, or why that is not possible. The kinds are button,
// link and field (any control with a label).
(kind, name) => {
  if (document.activeViewTransition) return { why: "the page is still fading in, and takes no clicks" };
  const kinds = {
    button: "button, summary, label",
    link: "a[href]",
    field: "input:not([type=hidden]), select, textarea",
    text: "h1, h2, h3, p, td, dd, li, output, span",
  };
  const tidy = (s) => (s ?? "").replace(/\s+/g, " ").trim();
  const named = (e) => [e.getAttribute("aria-label"), ...[...(e.labels ?? [])].map((l) => l.innerText), e.innerText].map(tidy);
  const shown = (e) => e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) && e.getClientRects().length > 0;
  const all = [...document.querySelectorAll(kinds[kind])].filter((e) => shown(e) && !e.disabled && !e.closest("[aria-hidden=true]"));
  const found = all.find((e) => named(e).includes(name)) ?? all.find((e) => named(e).some((n) => n.startsWith(name + " ")));
  if (!found) return { why: `no ${kind} ${JSON.stringify(name)} to see; there are ${JSON.stringify(all.map((e) => named(e).find((n) => n) ?? "?").slice(0, 40))}` };
  found.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
  // A control that is drawn by its label is pointed at there.
  const own = found.getBoundingClientRect(), small = own.width < 2 || own.height < 2;
  const target = small && found.labels?.length ? found.labels[0] : found;
  const r = target.getClientRects()[0];
  const [x, y] = [r.left + r.width / 2, r.top + r.height / 2];
  const hit = document.elementFromPoint(x, y);
  const reached = hit && (target.contains(hit) || hit.contains(target) && hit.tagName === "LABEL" || [...(found.labels ?? [])].some((l) => l.contains(hit)));
  if (!reached) return { why: `${kind} ${JSON.stringify(name)} is covered by ${hit ? hit.outerHTML.slice(0, 120) : "nothing, outside of the window"}` };
  return { x, y };
}
