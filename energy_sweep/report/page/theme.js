// The colours of the moment, from the style sheet: they follow the scheme of the system.
(() => {
  const NAMES = ["ink", "soft", "faint", "line", "grid", "paper", "wash", "mark", "second"];
  const PALETTE = 8;
  const STOPS = 5;

  page.theme = () => {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(`--${name}`).trim();
    const list = (name, count) => Array.from({ length: count }, (_, i) => value(`${name}-${i}`));
    return {
      ...Object.fromEntries(NAMES.map((name) => [name, value(name)])),
      palette: list("colour", PALETTE), // of kinds, told apart by the colour-blind too
      ramp: ramp(list("ramp", STOPS)), // ramp(k): k colours of something that grows
      font: style.getPropertyValue("--font").trim(),
    };
  };

  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  function ramp(stops) {
    const at = (share) => {
      const place = share * (stops.length - 1);
      const [low, high] = [Math.floor(place), Math.ceil(place)].map((i) => rgb(stops[i]));
      const mixed = low.map((part, i) => Math.round(part + (place % 1) * (high[i] - part)));
      return `#${mixed.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
    };
    return (count) => Array.from({ length: count }, (_, i) => at(count > 1 ? i / (count - 1) : 0));
  }

  const change = () => {
    page.redraw();
    page.emit("theme");
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", change);
  // Paper is white, whatever the scheme of the screen is.
  const printed = (is) => {
    document.documentElement.toggleAttribute("data-printed", is);
    if (matchMedia("(prefers-color-scheme: dark)").matches) change();
  };
  addEventListener("beforeprint", () => printed(true));
  addEventListener("afterprint", () => printed(false));
  page.narrow = matchMedia("(max-width: 40rem)");
  page.narrow.addEventListener("change", change);
})();
