// Numbers as the tables of the terminal have them.
(() => {
  const digits = (value, count) => {
    const text = Number(value).toPrecision(count);
    return text.includes("e") ? Number(text).toExponential() : String(Number(text));
  };

  // Python's %g: plain between 1e-4 and 10^count, with an exponent beyond.
  function general(value, count) {
    if (value === 0) return "0";
    const power = Math.floor(Math.log10(Math.abs(Number(Number(value).toPrecision(count)))));
    if (power >= -4 && power < count) return digits(value, count);
    const [mantissa, exponent] = Number(value).toExponential(count - 1).split("e");
    const sign = exponent[0];
    return `${Number(mantissa)}e${sign}${exponent.slice(1).padStart(2, "0")}`;
  }

  const grouped = (value) => Math.round(value).toLocaleString("en-US");

  function joules(value, uncertainty = null) {
    if (value === null) return "";
    const text = Math.abs(value) < 999.5 ? general(value, 3) : grouped(value);
    if (uncertainty === null) return `${text} J`;
    const spread = uncertainty < 99.5 ? general(uncertainty, 2) : grouped(uncertainty);
    return `${text} ± ${spread} J`;
  }

  const UNITS = ["B", "kB", "MB", "GB"];
  function bytes(value) {
    if (value === null) return "";
    const power = Math.min(3, Math.max(0, Math.floor(Math.log10(value || 1) / 3)));
    return `${general(value / 1000 ** power, 3)} ${UNITS[power]}`;
  }

  const kilowattHours = (value) => (value === null ? "" : `${general(value / 3.6e6, 3)} kWh`);

  const PREFIXES = ["", "k", "M", "G", "T"];
  function count(value) {
    if (value === null) return "";
    const power = Math.min(4, Math.max(0, Math.floor(Math.log10(value || 1) / 3)));
    return `${general(value / 1000 ** power, 3)}${power ? ` ${PREFIXES[power]}` : ""}`;
  }

  const seconds = (value) => (value === null ? "" : value < 1 ? `${general(1000 * value, 3)} ms` : `${general(value, 3)} s`);
  const percent = (share) => `${Math.abs(share) < 0.0995 ? general(100 * share, 2) : (100 * share).toFixed(0)} %`;
  // A probability in whole percent, which never says that anything is certain.
  function chance(share) {
    if (share >= 0.995) return "over 99 %";
    return share < 0.005 ? "under 1 %" : `${Math.round(100 * share)} %`;
  }
  const escaped = (text) => String(text).replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);

  page.format = { general, grouped, joules, kilowattHours, bytes, count, seconds, percent, chance, escaped };
})();
