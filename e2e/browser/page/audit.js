// Returns one sentence for each accessibility fault of the document: for screen
// readers, for the keyboard, and for pointing devices.
() => {
  const wrong = [];
  const say = (what, e) => wrong.push(what + (e ? ": " + e.outerHTML.replace(/\s+/g, " ").slice(0, 110) : ""));
  const all = (sel) => [...document.querySelectorAll(sel)];
  const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;

  if (document.documentElement.lang !== "en") say("the language is not said");
  if (!/Overdue( docs)?$/.test(document.title)) say("the title is " + document.title);

  const h1 = all("h1").filter(shown);
  if (h1.length !== 1) say(`there are ${h1.length} headings of the first level`);
  let level = 0;
  for (const h of all(":is(h1, h2, h3, h4, h5, h6):not(nav *)").filter((h) => h.checkVisibility())) {
    const is = Number(h.tagName[1]);
    if (is > level + 1) say(`a heading of level ${is} follows one of level ${level}`, h);
    if (!h.textContent.trim()) say("a heading is empty", h);
    level = is;
  }

  if (all("main").length !== 1) say(`there are ${all("main").length} main parts`);
  const landmarks = new Set();
  for (const n of all("nav, aside, section[aria-label], form[role=search]").filter((n) => n.checkVisibility())) {
    const name = n.ariaLabel ?? document.getElementById(n.getAttribute("aria-labelledby"))?.textContent ?? "";
    if (!name && n.tagName === "NAV") say("navigation has no name", n);
    const key = n.tagName + name;
    if (n.tagName === "NAV" && landmarks.has(key)) say("two navigations have one name", n);
    landmarks.add(key);
  }

  const ids = new Set();
  for (const e of all("[id]")) {
    if (ids.has(e.id)) say(`the id ${e.id} is there twice`, e);
    ids.add(e.id);
  }
  for (const attribute of ["for", "aria-labelledby", "aria-describedby", "aria-controls", "popovertarget", "commandfor", "list", "form"])
    for (const e of all(`[${attribute}]`))
      for (const id of e.getAttribute(attribute).split(/\s+/)) if (id && !ids.has(id)) say(`${attribute} names ${id}, which is not there`, e);

  for (const e of all("input:not([type=hidden]), select, textarea"))
    if (!(e.labels?.length && [...e.labels].some((l) => l.textContent.trim())) && !e.ariaLabel && !e.getAttribute("aria-labelledby") && !e.closest("[aria-hidden=true]"))
      say("a field has no label", e);
  for (const e of all("svg, img, [role=img]")) {
    const name = e.ariaLabel || e.getAttribute("aria-labelledby") || e.alt || e.querySelector?.(":scope > title")?.textContent;
    if (!name && !e.closest("[aria-hidden=true]") && !e.closest("[role=img]")?.ariaLabel) say("a picture has neither a name nor the mark that it is decoration", e);
  }
  for (const e of all("[aria-hidden=true]"))
    for (const inner of [e, ...e.querySelectorAll("a, button, input, select, textarea, [tabindex]")])
      if (inner.matches("a[href], button, input, select, textarea, [tabindex]") && inner.tabIndex >= 0) say("what is hidden from a screen reader takes the focus", inner);
  for (const e of all("[tabindex]")) if (e.tabIndex > 0) say("the focus goes in another order than the page", e);
  for (const e of all("table")) {
    const heading = all("main :is(h1, h2, h3)").some((h) => h.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING);
    if (!e.caption && !e.ariaLabel && !heading) say("a table has neither a caption nor a heading", e);
    for (const th of e.querySelectorAll("th:not([scope])")) say("the head of a table does not say of what it is the head", th);
  }
  for (const e of all("time")) if (!e.dateTime || Number.isNaN(Date.parse(e.dateTime))) say("a time has none for programs", e);
  for (const e of all("ul, ol")) if ([...e.children].some((c) => c.tagName !== "LI")) say("a list has more than entries", e);
  return wrong;
}
