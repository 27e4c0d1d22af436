// The browser loaded this frame again by itself: ask for the same address with the token this tab still holds.
(() => {
  "use strict";
  const ended = document.getElementById("ended");
  let token = "";
  try { token = sessionStorage.getItem("frame-token") || ""; } catch { return; }
  if (!token) return;
  ended.hidden = true;
  fetch(location.href, { headers: { Authorization: `Bearer ${token}` }, cache: "no-store" }).then(async (answer) => {
    if (!answer.ok) throw new Error(String(answer.status));
    const page = await answer.text();
    document.open();
    document.write(page);
    document.close();
  }).catch(() => {
    try { sessionStorage.removeItem("frame-token"); } catch { return; }
    ended.hidden = false;
  });
})();
