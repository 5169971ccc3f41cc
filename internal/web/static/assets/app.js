// Overdue: the one script. Every page works without it; it adds ticking,
// copying, theme, "/" focus, live rows, and the preview of a form.

const $ = (sel, root = document) => root.querySelector(sel);
const $$ = (sel, root = document) => [...root.querySelectorAll(sel)];

/* --------------------------------------------------------------- time ---- */

// The server's clock rules: data-now is its time at render.
const rendered = Date.parse(document.documentElement.dataset.now ?? "");
const skew = Number.isNaN(rendered) ? 0 : rendered - Date.now();
const now = () => Date.now() + skew;

const UNITS = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];

// Two units, the smaller dropped when zero. Under a day seconds show only below one
// minute; precise keeps three units and the seconds.
function duration(seconds, precise = false) {
  const s = Math.max(0, seconds);
  const parts = [];
  let rest = s;
  for (const [u, n] of UNITS) {
    const v = Math.floor(rest / n);
    rest -= v * n;
    if (v || parts.length || u === "s") parts.push([v, u]);
  }
  if (precise) return parts.slice(0, 3);
  const cut = parts.slice(0, 2).filter(([v, u], i) => i === 0 || (v > 0 && u !== "s"));
  return cut;
}
const text = (parts) => parts.map(([v, u]) => v + u).join(" ");

// Elapsed rounds down, remaining rounds up, so "late by 3m" + "down in 7m" = grace 10m.
function left(ms) {
  const s = Math.ceil(ms / 1000);
  return s < 60 ? s : s < 86400 ? Math.ceil(s / 60) * 60 : Math.ceil(s / 3600) * 3600;
}
function ago(ms) {
  const s = Math.floor(ms / 1000);
  if (s < 5) return "just now";
  return text(duration(s).slice(0, 1)) + " ago";
}

function paint(el) {
  const at = Date.parse(el.dateTime);
  if (Number.isNaN(at)) return;
  const precise = el.hasAttribute("data-precise");
  let parts;
  switch (el.dataset.tick) {
    case "ago": el.textContent = ago(now() - at); return;
    case "since": parts = duration(Math.floor((now() - at) / 1000), precise); break;
    case "until": {
      const ms = at - now();
      if (ms <= 0) { el.textContent = "0s"; return; } // the server decides what happens next
      parts = duration(precise ? Math.ceil(ms / 1000) : left(ms), precise);
      break;
    }
    default: return;
  }
  if (!precise) { const t = text(parts); if (el.textContent !== t) el.textContent = t; return; }
  el.replaceChildren(...parts.flatMap(([v, u]) => {
    const unit = document.createElement("small");
    unit.textContent = u;
    return [String(v).padStart(u === parts[0][1] ? 1 : 2, "0"), unit];
  }));
}

// Needle: marks sit at 0, 58 and 80 % of the bar; each stretch is linear on its own.
function needle(bar) {
  const [ping, due, alert] = [bar.dataset.ping, bar.dataset.due, bar.dataset.alert].map(Date.parse);
  if (![ping, due, alert].every(Number.isFinite)) return;
  const t = now();
  const x = t <= due ? 58 * Math.max(0, (t - ping) / (due - ping))
    : t <= alert ? 58 + 22 * ((t - due) / (alert - due))
    : Math.min(97, 80 + 20 * ((t - alert) / (t - alert + (alert - ping))));
  $(".now", bar)?.setAttribute("x", x.toFixed(2) + "%");
  $(".d-run", bar)?.setAttribute("x2", x.toFixed(2) + "%");
}

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: document.documentElement.dataset.tz || undefined });
function tick() {
  $$("time[data-tick]").forEach(paint);
  $$(".deadline[data-ping]").forEach(needle);
  $$("[data-clock]").forEach((el) => { el.textContent = clock.format(now()); });
}
(function loop() {
  if (!document.hidden) tick();
  setTimeout(loop, 1000 - (now() % 1000) + 15);
})();
document.addEventListener("visibilitychange", () => document.hidden || tick());

/* -------------------------------------------------- polite announcements - */

const say = (message) => { const el = $("#announce"); if (el) el.textContent = message; };
// What the click that led here has done, as the server wrote it; then it goes.
// One that can be taken back stays long enough to be read and reached.
setTimeout(() => { const el = $("#toast"); if (el) el.textContent = ""; }, $("#toast form") ? 20000 : 4000);

/* --------------------------------------------------- clicks: copy, theme - */

// On plain HTTP, as in many home networks, browsers have no clipboard interface.
async function copy(value) {
  try { await navigator.clipboard.writeText(value); return true; } catch { /* the old way */ }
  const t = Object.assign(document.createElement("textarea"), { value, readOnly: true, className: "vh" });
  document.body.append(t);
  t.select();
  const done = document.execCommand("copy");
  t.remove();
  return done;
}

document.addEventListener("click", async (e) => {
  const b = e.target.closest("button");
  if (!b) return;

  if (b.dataset.copy) {
    const from = $(b.dataset.copy);
    if (!await copy((from?.value ?? from?.textContent ?? "").trim())) { getSelection().selectAllChildren(from); return; }
    const label = $("span", b) ?? b;
    b.dataset.words ??= label.textContent;
    label.textContent = "Copied";
    say("Copied");
    setTimeout(() => { label.textContent = b.dataset.words; }, 1600);
  }

  if (b.dataset.themeSet) setTheme(b.dataset.themeSet);
  if ("print" in b.dataset) window.print();

  if (b.dataset.fill) {
    const input = $(b.dataset.fill);
    input.value = b.value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // One row menu serves the whole list: remember which row it was opened from.
  if (b.getAttribute("popovertarget") === "row-menu") {
    const row = b.closest(".hb");
    $("#row-menu input[name=id]")?.setAttribute("value", row.dataset.id);
    const url = $("#row-url");
    if (url) url.textContent = url.dataset.base + row.dataset.id;
    const title = $("#row-menu [data-for]");
    if (title) title.textContent = $(".hb-name", row).textContent.trim();
    place($("#row-menu"), b);
  }

  // Invoker commands where the browser lacks them.
  if (b.commandForElement === undefined && b.hasAttribute("commandfor")) {
    const d = document.getElementById(b.getAttribute("commandfor"));
    b.getAttribute("command") === "show-modal" ? d.showModal() : d.close();
  }
});

// Fallback placement for menus where CSS anchors are missing (CSSOM is CSP-safe).
function place(menu, by) {
  if (!menu || CSS.supports("position-area: block-end")) return;
  const r = by.getBoundingClientRect();
  Object.assign(menu.style, { inset: "auto", margin: "0", top: `${r.bottom + 4}px`, right: `${innerWidth - r.right}px` });
}

function setTheme(theme) {
  const root = document.documentElement;
  theme === "auto" ? root.removeAttribute("data-theme") : root.setAttribute("data-theme", theme);
  document.cookie = `theme=${theme};path=/;max-age=31536000;samesite=lax`; // the server renders data-theme from it
  $$("[data-theme-set]").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.themeSet === theme)));
}
const saved = document.cookie.match(/(?:^|; )theme=(light|dark|auto)/)?.[1];
if (saved) setTheme(saved);

/* -------------------------------------------------------------- keyboard - */

document.addEventListener("keydown", (e) => {
  if (e.key === "/" && !e.ctrlKey && !e.metaKey && !e.altKey && !e.target.closest("input, textarea, select, [contenteditable]")) {
    const s = $("[data-search]");
    if (s) { e.preventDefault(); s.focus(); s.select(); }
  }
  if (e.key === "Escape" && e.target.matches("[data-search]")) e.target.blur();
});

/* ---------------------------------------------------------- bulk actions - */

document.addEventListener("change", (e) => {
  if (e.target.matches("select[data-submit]")) e.target.form.requestSubmit();
  const form = e.target.closest("form");
  if (e.target.matches("[data-pick-all]")) $$(".hb .pick", form).forEach((c) => { c.checked = e.target.checked; });
  if (e.target.matches(".pick, [data-pick-all]")) {
    const all = $$(".hb .pick", form), on = all.filter((c) => c.checked).length;
    const out = $(".bulk output", form);
    if (out) out.textContent = `${on} selected`;
    const master = $("[data-pick-all]", form);
    if (master) { master.checked = on > 0 && on === all.length; master.indeterminate = on > 0 && on < all.length; }
  }
});

/* ------------------------------------------------------------ live pages - */
// <body data-live="/live/…"> names the stream; empty means a page at rest. Events:
//   row       one rendered element with an id: swaps the element of that id in place
//   announce  one sentence for the polite region, sent on status changes only
//   title     the new document title, e.g. "(2 down) Heartbeats · Overdue"

function fragment(html) {
  const t = document.createElement("template");
  t.innerHTML = html.trim();
  return t.content.firstElementChild;
}

function swap(html) {
  const next = fragment(html);
  const old = next?.id && document.getElementById(next.id);
  if (!old) return;
  const focus = old.contains(document.activeElement) ? document.activeElement : null;
  const path = focus && (focus.name ? `[name="${focus.name}"]` : focus.tagName.toLowerCase());
  const picked = $(".pick", old)?.checked;
  if (old.dataset.status !== next.dataset.status) next.classList.add("is-fresh");
  old.replaceWith(next);
  if (picked) $(".pick", next).checked = true;
  if (path) $(path, next)?.focus({ preventScroll: true });
  $$("time[data-tick]", next).forEach(paint);
}

function live(url) {
  const badge = $(".live");
  const state = (s, word) => { if (badge) { badge.dataset.state = s; $("[data-word]", badge).textContent = word; } };
  const source = new EventSource(url);
  source.onopen = () => state("live", "Live");
  source.onerror = () => state("retry", "Reconnecting");
  source.addEventListener("row", (e) => swap(e.data));
  source.addEventListener("announce", (e) => say(e.data));
  source.addEventListener("title", (e) => { document.title = e.data; });
  addEventListener("pagehide", () => source.close(), { once: true });
}
if (document.body.dataset.live) live(document.body.dataset.live);

/* ------------------------------------------------------- form preview ---- */
// <form data-preview="/path"> asks the server what its content would mean. The
// answer is a few elements with ids; each replaces the one it is named after.

const form = $("[data-preview]");
if (form) {
  let timer, asked;
  const mark = (error) => { // an error that shows makes its control invalid
    const control = $(`[aria-describedby~="${error.id}"]`, form);
    error.hidden ? control?.removeAttribute("aria-invalid") : control?.setAttribute("aria-invalid", "true");
  };
  const ask = async () => {
    asked?.abort();
    asked = new AbortController();
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: asked.signal });
      if (!answer.ok) return;
      const t = document.createElement("template");
      t.innerHTML = await answer.text();
      for (const next of [...t.content.children]) {
        document.getElementById(next.id)?.replaceWith(next);
        if (next.matches(".error")) mark(next);
      }
      tick();
    } catch { /* away or overtaken: what is shown stays, Save still judges */ }
  };
  form.addEventListener("input", (e) => {
    clearTimeout(timer);
    timer = setTimeout(ask, 250);
    $$("[data-fill]", form).forEach((b) => b.setAttribute("aria-pressed", String(b.value === $(b.dataset.fill).value.trim())));
  });
}
$('[aria-invalid="true"]')?.focus();

/* --------------------------------------------------- password visibility - */
$$("[data-reveal]").forEach((b) => b.addEventListener("click", () => {
  const input = $(b.dataset.reveal), show = input.type === "password";
  input.type = show ? "text" : "password";
  b.setAttribute("aria-pressed", String(show));
  b.textContent = show ? "Hide" : "Show";
}));
