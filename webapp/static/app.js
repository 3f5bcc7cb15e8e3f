// Countdowns, copying, refreshing. Everything works without this file, only not by itself.
"use strict";
(function () {
  const body = document.body;
  let ahead = 0; // seconds that the chain's clock is ahead of this machine's

  function hear(now) { if (Number.isFinite(now) && now > 0) ahead = now - Date.now() / 1000; }
  hear(Number(body.dataset.now));

  function left(seconds) {
    if (seconds <= 0) return "0 s";
    const d = Math.floor(seconds / 86400), h = Math.floor(seconds / 3600) % 24;
    const m = Math.floor(seconds / 60) % 60, s = Math.floor(seconds) % 60;
    const two = (n) => String(n).padStart(2, "0");
    if (d) return `${d} d ${h} h`;
    if (h) return `${h}:${two(m)}:${two(s)}`;
    return m ? `${m}:${two(s)}` : `${s} s`;
  }

  function tick() {
    const now = Date.now() / 1000 + ahead;
    for (const element of document.querySelectorAll(".countdown[data-deadline]")) {
      const rest = Number(element.dataset.deadline) - now;
      const clock = element.querySelector(".clock");
      const text = rest > 0 ? left(rest) : "due";
      if (clock.textContent !== text) clock.textContent = text;
      element.classList.toggle("is-over", rest <= 0);
      if (!element.title) element.title = new Date(Number(element.dataset.deadline) * 1000).toUTCString();
    }
  }

  // ----- refreshing: a part is swapped only when it changed, so nothing jumps and nothing closes -----
  const tags = new WeakMap();
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.getAttribute("hx-trigger") === "poll from:body" && document.hidden) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target } = event.detail;
    hear(Number(xhr.getResponseHeader("x-chain-now")));
    const tag = xhr.getResponseHeader("etag");
    if (tag && tags.get(target) === tag) { event.detail.shouldSwap = false; return; }
    if (tag) tags.set(target, tag);
    target.dataset.open = [...target.querySelectorAll("details[open][id]")].map((one) => one.id).join(" ");
    target.dataset.scroll = JSON.stringify([...target.querySelectorAll(".scroll")].map((one) => [one.scrollLeft, one.scrollTop]));
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target;
    for (const id of (target.dataset.open || "").split(" ").filter(Boolean)) {
      const one = document.getElementById(id);
      if (one) one.open = true;
    }
    const places = JSON.parse(target.dataset.scroll || "[]");
    [...target.querySelectorAll(".scroll")].forEach((one, i) => { if (places[i]) [one.scrollLeft, one.scrollTop] = places[i]; });
    tick();
  });
  for (const kind of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(kind, () => toast("This page cannot reach its server; numbers may be old."));
  }
  document.addEventListener("htmx:afterOnLoad", () => { if (shown === 1) toast(""); });
  setInterval(() => htmx.trigger(body, "poll"), 1000 * Number(body.dataset.poll || 3));
  setInterval(tick, 250);
  tick();

  let shown = 0;
  function toast(text, keep) {
    shown = text && !keep ? 1 : 0;
    document.getElementById("toast").textContent = text;
  }
  window.fairtrain = { toast };

  // ----- small things -----
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    event.preventDefault();
    navigator.clipboard?.writeText(button.dataset.copy).then(() => {
      button.classList.add("copied");
      setTimeout(() => button.classList.remove("copied"), 1200);
    }, () => toast(button.dataset.copy, true));
  });
  document.getElementById("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch (_) { /* private windows refuse */ }
  });
  // what was wrong is being changed: the preview says whether it is right now
  document.addEventListener("input", (event) => {
    const field = event.target.closest(".field.has-error");
    if (!field) return;
    field.classList.remove("has-error");
    event.target.removeAttribute("aria-invalid");
    field.querySelector(".error")?.remove();
  });
  // Nobody signs a preview that is older than the form: the button waits for the answer to the last edit.
  const form = document.getElementById("form");
  if (form) {
    let edits = 0, sent = 0, seen = 0;
    const mark = () => {
      const button = form.querySelector("button[data-call=create]");
      if (button) button.disabled = seen !== edits;
    };
    form.addEventListener("input", () => { edits++; mark(); });
    form.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.elt === form) sent = edits; });
    form.addEventListener("htmx:afterSwap", mark);
    form.addEventListener("htmx:afterRequest", (event) => {
      if (event.detail.elt === form && event.detail.successful) seen = sent;
      mark();
    });
  }
  // Labels of amounts follow the token.
  document.addEventListener("htmx:afterSwap", () => {
    const coin = document.getElementById("coin");
    if (coin) for (const unit of document.querySelectorAll(".unit.is-coin")) unit.textContent = coin.dataset.symbol;
  });
  const choose = document.getElementById("choose-file");
  if (choose) {
    const input = document.getElementById("configuration-file");
    choose.hidden = false;
    choose.addEventListener("click", () => input.click());
    input.addEventListener("change", async () => {
      const file = input.files[0];
      if (file) document.getElementById("configuration").value = (await file.slice(0, 131072).text());
    });
  }
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
})();
