// The official client against every framework, behind every middleware (apps.go,
// outer.go).

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { ask, connected, next, start, test, upgraded, variants } from "../node/harness.mjs";

const frameworks = ["echo", "echov5", "gin", "chi", "nethttp"];
const newest = variants.filter((v) => v.version === "4.8");
const variant = (mode) => newest.find((v) => v.mode === mode);

let server;
before(async () => (server = await start()));
after(() => server.stop());

const at = (framework, app) => ({ path: `/${framework}/${app}/socket.io` });

// watch collects everything that a user would notice.
function watch(socket) {
  const seen = [];
  socket.on("connect_error", (err) => seen.push(`connect_error: ${err.message}`));
  socket.on("disconnect", (reason) => seen.push(`disconnect: ${reason}`));
  socket.io.on("error", (err) => seen.push(`error: ${err.message}`));
  socket.io.on("reconnect_attempt", () => seen.push("reconnect_attempt"));
  return seen;
}

const fine = ["plain", "usual", "gzhttp", "otel", "prometheus", "context-timeout"];
const more = { echo: ["timeout", "pre"], echov5: ["timeout"], gin: [], chi: ["timeout"], nethttp: ["csrf"] };

for (const framework of frameworks) {
  for (const app of [...fine, ...more[framework]]) {
    for (const v of newest) {
      test(`${framework} behind "${app}", over ${v.mode}`, async (t) => {
        const socket = t.client(v, server, at(framework, app));
        const seen = watch(socket);
        await connected(socket);
        const text = "long enough to be compressed: ".repeat(500);
        assert.deepEqual(await ask(socket, "echo", text), [text]);
        if (v.mode === "upgrade") await upgraded(socket);
        assert.deepEqual(await ask(socket, "echo", "again"), ["again"]);
        assert.equal(socket.io.engine.transport.name, v.mode === "polling" ? "polling" : "websocket");
        assert.deepEqual(seen, []);
      });
    }
  }

  test(`${framework} where nothing can be hijacked: the client stays with polling`, async (t) => {
    const socket = t.client(variant("upgrade"), server, at(framework, "timeout-handler"));
    const seen = watch(socket);
    await connected(socket);
    assert.deepEqual(await ask(socket, "later", 2500), ["now"]);
    assert.equal(socket.io.engine.transport.name, "polling");
    assert.deepEqual(seen, []);
    await assert.rejects(connected(t.client(variant("websocket"), server, { ...at(framework, "timeout-handler"), reconnection: false })), {
      message: "websocket error",
    });
  });

  test(`${framework} behind a body limit: a message that exceeds it fails, others pass`, async (t) => {
    const socket = t.client(variant("polling"), server, at(framework, "max-bytes"));
    await connected(socket);
    assert.deepEqual(await ask(socket, "echo", "short"), ["short"]);
    const closed = next(socket, "disconnect");
    socket.emit("echo", "x".repeat(200));
    assert.equal((await closed)[0], "transport error");
    await connected(socket);
    assert.deepEqual(await ask(socket, "echo", "back"), ["back"]);
  });
}

describe("a poll under a timeout of two seconds", () => {
  const tenSeconds = () => new Promise((resolve) => setTimeout(resolve, 10_000));
  const apps = frameworks.flatMap((f) => ["timeout-handler", "context-timeout", ...more[f].filter((app) => app === "timeout")].map((app) => [f, app]));

  test("keeps the client connected", async (t) => {
    const clients = await Promise.all(
      apps.map(async ([framework, app]) => {
        const socket = t.client(variant("polling"), server, at(framework, app));
        const seen = watch(socket);
        await connected(socket);
        return { framework, app, socket, seen, id: socket.id };
      }),
    );
    await tenSeconds();
    for (const { framework, app, socket, seen, id } of clients) {
      assert.deepEqual(seen, [], `${framework} behind ${app}`);
      assert.equal(socket.id, id);
    }
    await Promise.all(clients.map(async ({ socket }) => assert.deepEqual(await ask(socket, "later", 2500), ["now"])));
  });

  test("of the HTTP server, its WriteTimeout, likewise", async (t) => {
    const server = await start({ "write-timeout": 2000 });
    try {
      const clients = await Promise.all(
        frameworks.flatMap((f) => ["plain", "bare"].map((app) => [f, app])).map(async ([framework, app]) => {
          const socket = t.client(variant(app === "bare" ? "polling" : "upgrade"), server, at(framework, app));
          const seen = watch(socket);
          await connected(socket);
          return { framework, app, socket, seen };
        }),
      );
      await tenSeconds();
      for (const { framework, app, socket, seen } of clients) {
        assert.deepEqual(seen, [], `${framework}, ${app}`);
        assert.deepEqual(await ask(socket, "echo", "still here"), ["still here"]);
        socket.disconnect();
      }
    } finally {
      await server.stop();
    }
  });
});

describe("what needs care", () => {
  for (const [what, framework, app] of [
    ["CSRF middlewares refuse", "echo", "csrf"],
    ["CSRF middlewares that go by Sec-Fetch-Site refuse, from what does not send it,", "echov5", "csrf"],
    ["content-type filters refuse", "chi", "json"],
    ["rate limiters count", "echo", "rate"],
  ]) {
    test(`${what} the requests of polling, and let a WebSocket in`, async (t) => {
      await connected(t.client(variant("websocket"), server, at(framework, app))); // one request
      const socket = t.client(variant("polling"), server, { ...at(framework, app), reconnection: false });
      const closed = next(socket.io, "close");
      socket.connect();
      assert.equal((await closed)[0], "transport error");
    });
  }

  test("slash redirects break the path", async (t) => {
    const socket = t.client(variant("websocket"), server, { ...at("chi", "redirect"), reconnection: false });
    await assert.rejects(connected(socket), { message: "websocket error" });
  });
});
