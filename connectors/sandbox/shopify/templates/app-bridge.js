// Stand-in for Shopify's App Bridge, served by the sandbox: the few parts an embedded app needs to run without Shopify.
// window.shopify.idToken() asks the admin frame for a session token; fetch to the app's own origin carries one by itself.
"use strict";
(() => {
  const script = document.currentScript;
  const admin = new URL(script.src).origin;
  const query = new URLSearchParams(location.search);
  const meta = document.querySelector('meta[name="shopify-api-key"]');
  const waiting = new Map();
  let next = 1;

  addEventListener("message", (event) => {
    if (event.source !== parent || event.origin !== admin) return;
    const said = event.data || {};
    const asked = said.kind === "sandbox:id-token" ? waiting.get(said.id) : undefined;
    if (!asked) return;
    waiting.delete(said.id);
    clearTimeout(asked.timer);
    if (said.token) asked.resolve(said.token); else asked.reject(new Error(said.error || "no session token"));
  });

  function tell(message) {
    if (parent !== window) parent.postMessage(message, admin);
  }

  function idToken() {
    return new Promise((resolve, reject) => {
      if (parent === window) { reject(new Error("The app is not inside the admin")); return; }
      const id = next++;
      const timer = setTimeout(() => { waiting.delete(id); reject(new Error("The admin did not answer")); }, 10000);
      waiting.set(id, { resolve, reject, timer });
      tell({ kind: "sandbox:id-token", id });
    });
  }

  function page() {
    const menu = document.querySelector("ui-nav-menu, s-app-nav");
    const links = menu ? [...menu.querySelectorAll("a[href], s-link[href]")].map((a) => {
      const url = new URL(a.getAttribute("href"), location.href);
      return { text: a.textContent.trim(), path: url.pathname + url.search, current: url.pathname === location.pathname };
    }) : [];
    if (menu) menu.hidden = true;
    const bar = document.querySelector("ui-title-bar, s-page[heading]");
    const title = bar ? bar.getAttribute("title") || bar.getAttribute("heading") : document.title;
    tell({ kind: "sandbox:page", title, links, path: location.pathname });
  }

  const plainFetch = window.fetch.bind(window);
  window.fetch = async (input, init = {}) => {
    const request = new Request(input, init);
    if (new URL(request.url).origin === location.origin && parent !== window && !request.headers.has("Authorization")) {
      request.headers.set("Authorization", "Bearer " + (await idToken()));
    }
    return plainFetch(request);
  };

  const settled = Promise.resolve();
  window.shopify = {
    config: { apiKey: (meta && meta.content) || script.dataset.apiKey || "", shop: query.get("shop") || "", host: query.get("host") || "", locale: "en" },
    environment: { embedded: parent !== window, mobile: false, intent: false },
    ready: settled,
    idToken,
    toast: { show: (text) => { tell({ kind: "sandbox:toast", text }); return "toast"; }, hide: () => {} },
    loading: () => {},
    saveBar: { show: () => settled, hide: () => settled, toggle: () => settled, leaveConfirmation: () => settled },
    modal: { show: () => settled, hide: () => settled, toggle: () => settled },
  };

  // window.open(…, "_top") is how App Bridge leaves the frame.
  const plainOpen = window.open.bind(window);
  window.open = (url, target, features) => {
    if (target === "_top" && parent !== window) { tell({ kind: "sandbox:leave", url: new URL(url, location.href).href }); return null; }
    return plainOpen(url, target, features);
  };

  if (document.readyState === "loading") addEventListener("DOMContentLoaded", page); else page();
  document.addEventListener("htmx:afterSettle", page);
})();
