// Runs before the first paint, so that no page flashes in the wrong theme.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("theme"); } catch { chosen = null; } // storage is closed in some frames
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
})();
