// Runs before the page is painted, so that a chosen theme never flashes.
"use strict";
(function () {
  let kept = null;
  try { kept = localStorage.getItem("theme"); } catch (_) { /* private windows refuse */ }
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
})();
