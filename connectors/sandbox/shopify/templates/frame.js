// The pretend admin around the embedded app: hands out session tokens, shows the app's title, navigation and toasts.
"use strict";
(() => {
  const me = document.currentScript.dataset;
  const frame = document.getElementById("app-frame");
  const nav = document.getElementById("app-nav");
  const toast = document.getElementById("app-toast");

  async function token() {
    const answer = await fetch(me.token, { headers: { "X-Sandbox-Frame": "1" } });
    if (!answer.ok) throw new Error("no session token: " + answer.status);
    return (await answer.json()).token;
  }

  function showNav(links) {
    nav.replaceChildren(...links.slice(0, 12).map((link) => {
      const a = document.createElement("a");
      a.textContent = String(link.text).slice(0, 60);
      a.href = me.here + "?path=" + encodeURIComponent(String(link.path));
      if (link.current) a.setAttribute("aria-current", "page");
      return a;
    }));
  }

  addEventListener("message", async (event) => {
    // Only the app's own frame, and only from the app's own origin.
    if (event.source !== frame.contentWindow || event.origin !== me.app) return;
    const asked = event.data || {};
    if (asked.kind === "sandbox:id-token") {
      let reply = { kind: "sandbox:id-token", id: asked.id };
      try { reply.token = await token(); } catch (error) { reply.error = String(error.message); }
      frame.contentWindow.postMessage(reply, me.app);
    } else if (asked.kind === "sandbox:page") {
      document.getElementById("app-title").textContent = String(asked.title || "").slice(0, 80) || document.title;
      showNav(Array.isArray(asked.links) ? asked.links : []);
      // Reloading the admin's page opens the same page of the app again.
      history.replaceState(null, "", me.here + (asked.path ? "?path=" + encodeURIComponent(String(asked.path)) : ""));
    } else if (asked.kind === "sandbox:toast") {
      toast.textContent = String(asked.text).slice(0, 200);
      toast.hidden = false;
      setTimeout(() => { toast.hidden = true; }, 5000);
    } else if (asked.kind === "sandbox:leave") {
      const target = new URL(String(asked.url), me.app);
      if (target.protocol === "http:" || target.protocol === "https:") location.assign(target.href);
    }
  });
})();
