// Keeps the pages of visits for when there is no signal; with one, the newest page is always shown.
const name = "sinan-visits-1";
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", (event) => {
  const pages = (event.data && event.data.keep) || [];
  event.waitUntil(
    (async () => {
      // What another account kept is not for this one.
      if ((await (await caches.open("sinan-visits-owner")).match("/owner").then((a) => a && a.text())) !== event.data.account) await caches.delete(name);
      await (await caches.open("sinan-visits-owner")).put("/owner", new Response(event.data.account));
      const cache = await caches.open(name);
      for (const page of pages) {
        try {
          const answer = await fetch(page, { credentials: "same-origin" });
          if (answer.ok && !answer.redirected) await cache.put(page, answer);
        } catch (error) {}
      }
      if (event.ports[0]) event.ports[0].postMessage("kept");
    })()
  );
});
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || url.pathname === "/supervision/token") return;
  event.respondWith(
    fetch(event.request).catch(async () => {
      const cache = await caches.open(name);
      return (await cache.match(event.request, { ignoreVary: true })) || (await cache.match(url.pathname + url.search, { ignoreVary: true })) || Response.error();
    })
  );
});
