// Inside a control panel without session tokens: each request carries ours, renewed by each answer.
(() => {
  "use strict";
  const meta = document.querySelector('meta[name="frame-token"]');
  if (!meta) return;
  let token = meta.content;
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["Authorization"] = `Bearer ${token}`;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const fresh = event.detail.xhr && event.detail.xhr.getResponseHeader("X-Frame-Token");
    if (fresh) token = fresh;
    if (event.detail.xhr && event.detail.xhr.status === 401) {
      const live = document.getElementById("live");
      if (live) {
        live.classList.remove("visually-hidden");
        live.textContent = "You were away for a while. Open the app again from your store's control panel.";
      }
    }
  });
})();
