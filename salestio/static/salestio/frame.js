// Inside a control panel without session tokens: each request carries ours, renewed by each answer.
(() => {
  "use strict";
  const meta = document.querySelector('meta[name="frame-token"]');
  if (!meta) return;
  let token = meta.content;
  const keep = (fresh) => {
    token = fresh;
    // For a reload by the browser; a browser that keeps nothing in frames asks to open the app again.
    try { sessionStorage.setItem("frame-token", fresh); } catch { token = fresh; }
  };
  keep(token);
  window.frameToken = { current: () => token, renew: (answer) => { const fresh = answer.headers.get("X-Frame-Token"); if (fresh) keep(fresh); } };
  // The control panel opened a page of ours under its own callback: links and forms need the page's real address.
  if (meta.dataset.here) history.replaceState(null, "", meta.dataset.here);
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["Authorization"] = `Bearer ${token}`;
  });
  // Back and forward: htmx asks for the page by itself, without the event above.
  document.addEventListener("htmx:historyCacheMiss", (event) => {
    event.detail.xhr.setRequestHeader("Authorization", `Bearer ${token}`);
  });
  const away = () => {
    const page = document.getElementById("content");
    if (!page || document.getElementById("away")) return;
    const words = document.createElement("div");
    words.id = "away";
    words.className = "banner tone is-stop";
    words.setAttribute("role", "alert");
    words.textContent = "You were away for a while. Open the app again from your store's control panel.";
    page.prepend(words);
  };
  document.addEventListener("htmx:afterRequest", (event) => {
    const answer = event.detail.xhr;
    const fresh = answer && answer.getResponseHeader("X-Frame-Token");
    if (fresh) keep(fresh);
    if (answer && answer.status === 401) away();
  });
})();
