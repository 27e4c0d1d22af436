// The page had no session token, or an old one: fetch a fresh one from the store's admin and load it again.
(() => {
  "use strict";
  const target = document.currentScript.dataset.target;
  const again = async () => {
    const address = new URL(target, location.origin);
    address.searchParams.set("id_token", await window.shopify.idToken());
    address.searchParams.set("embedded", "1");
    location.replace(address);
  };
  if (window.shopify && typeof window.shopify.idToken === "function") again();
})();
