// What pages need beyond htmx. Every page works before this script does; it adds speed, keys and freshness.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // ── signed requests inside a store's admin: a session token instead of a cookie ─────────────────────────────
  const bridge = () => (window.shopify && typeof window.shopify.idToken === "function" ? window.shopify : null);
  let bearer = "";
  document.addEventListener("htmx:confirm", (event) => {
    if (!bridge()) return;
    event.preventDefault();
    bridge().idToken().then((token) => { bearer = token; event.detail.issueRequest(true); });
  });
  document.addEventListener("htmx:configRequest", (event) => {
    if (bearer) event.detail.headers.Authorization = `Bearer ${bearer}`;
  });
  const signed = async (headers) => {
    if (bridge()) headers.Authorization = `Bearer ${await bridge().idToken()}`;
    else if (window.frameToken) headers.Authorization = `Bearer ${window.frameToken.current()}`;
    return headers;
  };

  // ── saying things: one polite live region, one toast ────────────────────────────────────────────────────────
  const say = (text) => { const live = $("#live"); if (live) live.textContent = text; };
  const toast = (text) => {
    const place = $("#toasts");
    if (!place || !text) return;
    const line = document.createElement("div");
    line.className = "toast-line";
    line.textContent = text;
    place.replaceChildren(line);
    setTimeout(() => line.remove(), 6000);
  };
  document.addEventListener("said", (event) => { say(event.detail.value); toast(event.detail.value); });
  document.addEventListener("htmx:responseError", () => toast("That did not work. Reload the page and try again."));
  document.addEventListener("htmx:sendError", () => toast("No connection. Nothing was changed."));
  // Refusals come back as fragments with their words (422, 409, 429, 403): show them where they belong.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if ([403, 409, 422, 429].includes(event.detail.xhr.status) && event.detail.xhr.responseText) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  for (const line of all("#toasts .toast-line")) setTimeout(() => line.remove(), 6000);

  // ── dialogs: loaded into #dialog, opened, focus returned ────────────────────────────────────────────────────
  document.addEventListener("htmx:beforeRequest", (event) => {
    // The dialog closes at once but stays in the page until the answer is in: htmx looks for the parts from here.
    const box = event.target.matches?.("[data-closes]") && event.target.closest("dialog");
    if (box) { box.dataset.sending = "yes"; box.close(); }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const box = event.target.closest?.("dialog[data-sending]");
    if (box) setTimeout(() => box.parentElement?.replaceChildren(), 100);
  });
  let opener = null;
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id !== "dialog") return;
    const box = $("#dialog dialog");
    if (!box) return;
    // A dialog that comes back with an error replaced the one that had the focus: who opened it stays the same.
    if (document.activeElement !== document.body) opener = document.activeElement;
    box.showModal();
    ($("[aria-invalid='true']", box) || $("[autofocus]", box) || $("input:not([type=hidden]), select, button", box))?.focus();
    box.addEventListener("close", () => { if (!box.dataset.sending) $("#dialog").replaceChildren(); opener?.isConnected && opener.focus(); });
  });
  document.addEventListener("click", (event) => {
    const close = event.target.closest("[data-close]");
    // On a page of its own, without a dialog around it, the same link leads back.
    if (close?.closest("dialog")) { event.preventDefault(); close.closest("dialog").close(); }
    if (event.target instanceof HTMLDialogElement) event.target.close();
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-open]");
    if (button) $(button.dataset.open)?.showModal();
    const theme = event.target.closest("[data-theme-switch]");
    if (theme) {
      const next = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
      document.documentElement.dataset.bsTheme = next;
      try { localStorage.setItem("theme", next); } catch { say("This browser does not keep the choice."); }
    }
    const copy = event.target.closest("[data-copy]");
    if (copy) navigator.clipboard?.writeText(copy.dataset.copy).then(() => toast("Copied"));
    const height = event.target.closest("[data-rows]");
    if (height) {
      for (const other of all("[data-rows]")) other.setAttribute("aria-pressed", String(other === height));
      $("#rows-box")?.classList.toggle("compact", height.dataset.rows === "compact");
      document.cookie = `rows=${height.dataset.rows}; path=/; max-age=31536000; samesite=lax`;
    }
    const log = event.target.closest("[data-log]");
    if (log) {
      for (const other of all("[data-log]")) other.setAttribute("aria-pressed", String(other === log));
      $("#log-lines")?.classList.toggle("problems-only", log.dataset.log === "problems");
    }
  });

  // ── picking rows ────────────────────────────────────────────────────────────────────────────────────────────
  const counted = () => {
    const card = $(".orders-card, .pick-card");
    if (!card) return;
    const picks = all(".pick", card), on = picks.filter((pick) => pick.checked);
    for (const pick of picks) pick.closest("tr").setAttribute("aria-selected", String(pick.checked));
    const everything = $("#match-all")?.checked;
    for (const label of all("[data-count]", card)) label.textContent = everything ? label.dataset.count : String(on.length);
    for (const head of all(".pick-all", card)) {
      head.checked = on.length > 0 && on.length === picks.length;
      head.indeterminate = on.length > 0 && on.length < picks.length;
    }
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches(".pick-all")) for (const pick of all(".pick")) pick.checked = event.target.checked;
    if (event.target.matches(".pick, .pick-all, #match-all")) counted();
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-unpick]")) return;
    for (const pick of all(".pick")) pick.checked = false;
    if ($("#match-all")) $("#match-all").checked = false;
    counted();
  });

  // ── keys: J K move, X picks, E exports, Enter opens, / searches ─────────────────────────────────────────────
  let here = -1;
  const rows = () => all("tr[data-order]");
  const move = (step) => {
    const list = rows();
    if (!list.length) return;
    list[here]?.classList.remove("is-here");
    here = Math.min(Math.max(here + step, 0), list.length - 1);
    list[here].classList.add("is-here");
    list[here].scrollIntoView({ block: "nearest" });
    $("a.id", list[here])?.focus({ preventScroll: true });
  };
  document.addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, dialog")) return;
    const key = event.key.toLowerCase();
    if (key === "/") { event.preventDefault(); ($("#list-search") || $("#top-search"))?.focus(); }
    else if (key === "j") move(1);
    else if (key === "k") move(-1);
    else if (key === "x" && rows()[here]) { const pick = $(".pick", rows()[here]); if (pick) { pick.checked = !pick.checked; counted(); } }
    else if (key === "e") {
      if (all(".pick:checked").length) $("#bulk-export")?.click();
      else if (rows()[here]) $("a.id", rows()[here]).click();
      else $("#export-button:not(:disabled)")?.click();
    }
    else if (key === "escape") for (const menu of all("details.menu[open]")) menu.open = false;
  });

  // ── files inside a store's admin: the browser's own download would carry no proof, so we fetch and hand it over ──
  const fileName = (answer) => {
    const told = answer.headers.get("Content-Disposition") || "";
    const encoded = /filename\*=utf-8''([^;]+)/i.exec(told);
    return encoded ? decodeURIComponent(encoded[1]) : /filename="?([^";]+)/i.exec(told)?.[1] || "download";
  };
  const download = async (address) => {
    const answer = await fetch(address, { headers: await signed({}), cache: "no-store" });
    window.frameToken?.renew(answer);
    if (!answer.ok) throw new Error(String(answer.status));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = fileName(answer);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };
  // While capturing: before htmx makes a visit of the click.
  for (const kind of ["click", "submit"]) {
    document.addEventListener(kind, (event) => {
      if (!bridge() && !window.frameToken) return;
      const link = kind === "click" && event.target.closest?.("a[download][href]:not([href^='blob:'])");
      const form = kind === "submit" && event.target.matches?.("form[data-download]") && event.target;
      if (!link && !form) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const address = link ? link.href : `${form.action}?${new URLSearchParams(new FormData(form))}`;
      download(address).catch(() => toast("The file could not be fetched. Reload the page and try again."));
    }, true);
  }

  // ── relative times stay true ────────────────────────────────────────────────────────────────────────────────
  const span = (s) => (s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3600)} h`);
  setInterval(() => {
    if (document.hidden) return;
    for (const time of all("time[data-ago]")) {
      const passed = Math.max(0, Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000));
      const text = `${span(passed)} ago`;
      if (time.textContent !== text) time.textContent = text;
    }
  }, 1000);

  // ── fresh without a reload: one request every 5 s while visible, 304 when nothing changed ───────────────────
  // The answer holds elements with ids; each replaces its twin on the page when its data-v differs.
  let tag = "";
  const freshen = async () => {
    const source = $("[data-poll]");
    if (!source || document.hidden) return;
    const headers = await signed({ "X-Requested-With": "poll" });
    if (tag) headers["If-None-Match"] = tag;
    const answer = await fetch(source.dataset.poll, { headers, cache: "no-store", redirect: "manual" });
    if (answer.status !== 200) return;
    window.frameToken?.renew(answer);
    tag = answer.headers.get("ETag") || "";
    const page = document.createElement("template");
    page.innerHTML = await answer.text();
    for (const part of all("[data-v][id]", page.content)) {
      const old = document.getElementById(part.id);
      if (!old || old.dataset.v === part.dataset.v || $("dialog[open]")) continue;
      if (old.contains(document.activeElement) && document.activeElement.matches("input:not(.pick), select, textarea")) continue;
      const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
      const picked = $(".pick", old)?.checked;
      old.replaceWith(part);
      if (picked && $(".pick", part)) $(".pick", part).checked = true;
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
      window.htmx?.process(part);
      if (part.dataset.say) say(part.dataset.say);
    }
    counted();
  };
  const pollEvery = 5000;
  setInterval(() => freshen().catch(() => { tag = ""; }), pollEvery);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) freshen().catch(() => { tag = ""; }); });
  counted();

  // ── a form that came back with errors: to the first of them ─────────────────────────────────────────────────
  $("main [aria-invalid='true']")?.focus();

  // ── rows of tabs that scroll sideways show the one we are on ────────────────────────────────────────────────
  const showTab = () => {
    for (const bar of all(".settings-nav, .nav-line")) {
      const tab = $("[aria-current]", bar);
      if (tab && bar.scrollWidth > bar.clientWidth) bar.scrollLeft += tab.getBoundingClientRect().left - bar.getBoundingClientRect().left - 16;
    }
  };
  document.addEventListener("htmx:afterSettle", (event) => { if (event.target === document.body) showTab(); });
  showTab();
})();

// Parts of a form that belong to a choice made in it (data-chosen-by="platform=amazon&region=na") show with that choice
// (or with one of several, between spaces); fields of the others are left out of what is sent. Without script everything shows, and the server decides.
(() => {
  "use strict";
  const choose = (form) => {
    const chosen = new FormData(form);
    for (const part of form.querySelectorAll("[data-chosen-by]")) {
      const fits = (choice) => [...new URLSearchParams(choice)].every(([name, value]) => chosen.get(name) === value);
      const shows = part.dataset.chosenBy.split(" ").some(fits);
      part.hidden = !shows;
      for (const field of part.querySelectorAll("input[type=checkbox]")) field.disabled = !shows;
    }
  };
  const all = () => document.querySelectorAll("form[data-chooser]").forEach(choose);
  document.addEventListener("change", (event) => {
    const form = event.target.closest && event.target.closest("form[data-chooser]");
    if (form) choose(form);
  });
  document.addEventListener("DOMContentLoaded", all);
  document.addEventListener("htmx:afterSettle", all);
})();
