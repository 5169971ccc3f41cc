// Computes the contrast of the colours of the stylesheet as the browser draws
// them (WCAG 2.2, relative luminance). Returns the pairs below what they need.
() => {
  const probe = document.body.appendChild(document.createElement("i"));
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const drawn = (token) => {
    probe.style.color = "";
    probe.style.color = `var(${token})`;
    canvas.fillStyle = "#f0f"; // stays when the colour cannot be read
    canvas.fillStyle = getComputedStyle(probe).color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (token) => {
    const [r, g, b] = drawn(token).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m);
    return (x + 0.05) / (y + 0.05);
  };
  const grounds = ["--bg", "--surface", "--sunken", "--hover"];
  const pairs = [];
  for (const ink of ["--ink", "--ink-2", "--ink-3", "--accent", "--up", "--late", "--down", "--new", "--paused", "--info"]) for (const g of grounds) pairs.push([ink, g, 4.5]);
  for (const s of ["accent", "up", "late", "down", "info"]) pairs.push([`--${s}`, `--${s}-wash`, 4.5]);
  for (const ink of ["--ink", "--ink-2", "--ink-3"]) for (const s of ["late", "down"]) pairs.push([ink, `--${s}-wash`, 4.5]);
  pairs.push(["--on-accent", "--accent-solid", 4.5], ["--on-accent", "--accent-press", 4.5]);
  for (const m of ["--line-ctl", "--up-mark", "--late-mark", "--down-mark", "--info-mark", "--idle-mark"]) for (const g of grounds) pairs.push([m, g, 3]);
  const low = pairs.map(([a, b, least]) => [a, b, least, contrast(a, b)]).filter(([, , least, is]) => !(is >= least));
  probe.remove();
  return [...low.map(([a, b, least, is]) => `${a} on ${b}: ${is.toFixed(2)}; must be at least ${least}`), ...(pairs.length > 70 ? [] : ["too few pairs"])];
}
