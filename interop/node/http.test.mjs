// What goes over HTTP, and what becomes of it: compressed polls, the client's bundle, the upgrade,
// and the cause of a disconnect.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { after, before, describe } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { WebSocket } from "ws";
import { ask, connected, next, settled, start, suite, target, test } from "./harness.mjs";

const dist = fileURLToPath(new URL("../node_modules/socket.io-client/dist/", import.meta.url));
const reference = target === "reference";

// fetchRaw resolves to an answer as it came: {status, headers, body}.
async function fetchRaw(url, options = {}) {
  const req = get(url, { agent: false, ...options });
  const [res] = await once(req, "response");
  return { status: res.statusCode, headers: res.headers, body: Buffer.concat(await res.toArray()) };
}

describe("compression of polls", () => {
  let server;
  before(async () => (server = await start()));
  after(() => server.stop());

  // A poller is a client by hand.
  async function poller(headers) {
    const url = `${server.url}/socket.io/?EIO=4&transport=polling`;
    const open = await fetchRaw(url, { headers });
    assert.equal(open.headers["content-encoding"], undefined, "the handshake is compressed");
    const { sid } = JSON.parse(open.body.subarray(1));
    const poll = () => fetchRaw(`${url}&sid=${sid}`, { headers });
    const post = async (body) => {
      const res = await fetch(`${url}&sid=${sid}`, { method: "POST", body, headers: { ...headers, "content-type": "text/plain" } });
      assert.equal(res.headers.get("content-encoding"), null);
      assert.equal(await res.text(), "ok");
    };
    await post("40");
    for (let body = ""; !body.includes(`["welcome",2]`);) body += (await poll()).body;
    return { poll, post };
  }

  // event is that of the server with n characters; its packet has 15 more.
  const event = (n) => `42["large","${"x".repeat(n)}"]`;
  const large = (n) => `42["large",${n}]`;

  for (const accept of ["gzip", "gzip, deflate", "deflate;q=0.5, gzip", ...(reference ? [] : ["*", "x-gzip", "br, GZIP;q=0.1"])]) {
    test(`an answer from 1024 bytes on, for ${accept}`, async () => {
      const { poll, post } = await poller({ "accept-encoding": accept });
      for (const n of [100_000, 1024 - event(0).length]) {
        await post(large(n));
        const { status, headers, body } = await poll();
        assert.equal(status, 200);
        assert.equal(headers["content-encoding"], "gzip");
        assert.equal(headers["content-type"], "text/plain; charset=UTF-8");
        assert.equal(headers["cache-control"], "no-store");
        if (!reference) {
          assert.equal(headers.vary, "Accept-Encoding");
          assert.equal(headers["content-length"], String(body.length));
        }
        assert.equal(gunzipSync(body).toString(), event(n));
      }
      const n = 1023 - event(0).length;
      await post(large(n));
      const { headers, body } = await poll();
      assert.equal(headers["content-encoding"], undefined);
      assert.equal(body.toString(), event(n));
      await post("1");
    });
  }

  for (const accept of [undefined, "identity", "gzip;q=0", "br"]) {
    test(`none for ${accept}`, async () => {
      const { poll, post } = await poller(accept && { "accept-encoding": accept });
      await post(large(100_000));
      const { headers, body } = await poll();
      assert.equal(headers["content-encoding"], undefined);
      assert.equal(headers["content-length"], String(body.length));
      assert.equal(body.toString(), event(100_000));
      await post("1");
    });
  }
});

describe("the client's bundle", () => {
  const origin = "https://app.example";
  let server;
  before(async () => (server = await start({ client: dist, "cors-origin": origin })));
  after(() => server.stop());

  const names = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];
  for (const name of [...names, ...names.map((name) => name + ".map")]) {
    test(name, async () => {
      const url = `${server.url}/socket.io/${name}`;
      const file = readFileSync(dist + name);
      const plain = await fetchRaw(url);
      assert.equal(plain.status, 200);
      assert.ok(plain.body.equals(file));
      const zipped = await fetchRaw(url, { headers: { "accept-encoding": "gzip" } });
      assert.equal(zipped.headers["content-encoding"], "gzip");
      assert.ok(gunzipSync(zipped.body).equals(file));
      for (const { headers } of [plain, zipped]) {
        assert.equal(headers["content-type"], `application/${name.endsWith(".map") ? "json" : "javascript"}; charset=utf-8`);
        assert.equal(headers["cache-control"], "public, max-age=0");
        assert.equal(headers["access-control-allow-origin"], reference ? origin : undefined); // the page's, if it is allowed
        assert.match(headers.etag, /^"[^"]+"$/);
        if (!reference) assert.match(headers.vary, /Accept-Encoding/);
      }
      if (!reference) {
        assert.notEqual(plain.headers.etag, zipped.headers.etag, "one strong ETag for different bytes");
        assert.equal(plain.headers["content-length"], String(file.length));
        assert.equal(zipped.headers["content-length"], String(zipped.body.length));
      }

      const { etag } = plain.headers;
      const matching = [etag, `W/${etag}`, ...(reference ? [] : ["*", `"other", ${etag}`])];
      for (const value of matching) {
        const { status, body } = await fetchRaw(url, { headers: { "if-none-match": value } });
        assert.equal(status, 304, value);
        assert.equal(body.length, 0);
      }
      for (const value of [`"other"`, etag.slice(1, -1)]) {
        assert.equal((await fetchRaw(url, { headers: { "if-none-match": value } })).status, 200, value);
      }
    });
  }

  test("to a page of an allowed origin", async () => {
    const { status, headers } = await fetchRaw(`${server.url}/socket.io/socket.io.esm.min.js`, { headers: { origin } });
    assert.equal(status, 200);
    assert.equal(headers["access-control-allow-origin"], origin);
    assert.match(headers.vary, /\bOrigin\b/);
  });

  test("nothing else, and to nobody who wants to write", async () => {
    for (const name of ["package.json", "socket.io.js.map.map", "..%2fpackage.json", "socket.io.min.js/"]) {
      assert.equal((await fetchRaw(`${server.url}/socket.io/${name}`)).status, 400, name);
    }
    const url = `${server.url}/socket.io/socket.io.js`;
    const head = await fetchRaw(url, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
    if (reference) return; // it sends the file, whatever the method
    for (const method of ["POST", "PUT", "DELETE"]) {
      const { status, headers } = await fetchRaw(url, { method });
      assert.equal(status, 405);
      assert.equal(headers.allow, "GET, HEAD");
    }
  });
});

suite("upgrade", (v) => {
  let server;
  before(async () => (server = await start()));
  after(() => server.stop());

  test("the server is told, once", async (t) => {
    const socket = t.client(v, server, { nsp: "/transport" });
    const heard = [];
    socket.on("upgraded", (transport) => heard.push(transport));
    const first = v.mode === "upgrade" && next(socket, "upgraded");
    await connected(socket);
    await settled(v, socket);
    await first;
    const root = await connected(socket.io.socket("/"));
    assert.deepEqual(await ask(root, "echo:ack", 1), [1]); // whatever was under way has come
    assert.deepEqual(heard, v.mode === "upgrade" ? ["websocket"] : []);
  });
});

describe("the cause of a disconnect", () => {
  let server;
  before(async () => (server = await start()));
  after(() => server.stop());

  // ended resolves to what the server says of a client that does something.
  async function ended(t, act) {
    const monitor = await t.monitor(server);
    const ws = new WebSocket(`${server.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
    t.after(() => ws.terminate());
    ws.on("error", () => {}); // as it comes
    await once(ws, "open");
    const joined = new Promise((resolve) => ws.on("message", (data) => String(data).startsWith("40/transport,") && resolve()));
    ws.send("40/transport,");
    await joined;
    const cause = next(monitor, "cause");
    act(ws);
    return (await cause)[0];
  }

  const cases = {
    "a frame that is not masked": [
      (ws) => ws._socket.write(Buffer.from([0x81, 1, 0x34])),
      { reason: "transport error", cause: "engineio: frame is not masked" },
      { reason: "transport error", cause: /MASK must be set/ },
    ],
    "a packet that is none": [
      (ws) => ws.send("x"),
      { reason: "parse error", cause: "engineio: unknown packet type" },
      { reason: "parse error", cause: null },
    ],
    "malformed JSON": [
      (ws) => ws.send(`42/transport,["secret`),
      { reason: "forced close", cause: "socketio: truncated JSON" },
      { reason: "forced close", cause: null },
    ],
    "a close frame": [(ws) => ws.close(), { reason: "transport close", cause: null }],
    "leaving the namespace": [(ws) => ws.send("41/transport,"), { reason: "client namespace disconnect", cause: null }],
    "a reset": [
      (ws) => ws._socket.resetAndDestroy(),
      { reason: "transport error", cause: /connection reset/ },
      { reason: "transport close", cause: null }, // ws does not tell
    ],
  };
  for (const [name, [act, ours, theirs]] of Object.entries(cases)) {
    test(name, async (t) => {
      const want = (reference && theirs) || ours;
      const got = await ended(t, act);
      assert.equal(got.reason, want.reason);
      if (want.cause instanceof RegExp) assert.match(got.cause, want.cause);
      else assert.equal(got.cause, want.cause);
    });
  }
});
