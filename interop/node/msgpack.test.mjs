import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test as plainTest } from "node:test";
import parser from "socket.io-msgpack-parser";
import { text } from "./msgpack-vectors.mjs";
import { ask, collect, connected, next, settled, start, suite, target, test, variants } from "./harness.mjs";

let server;
before(async () => (server = await start({ parser: "msgpack" })));
after(() => server.stop());

plainTest("the vectors of the Go tests are what the official parser makes", async () => {
  assert.equal(await readFile(new URL("../../socketio/parser/msgpack/testdata/official.json", import.meta.url), "utf8"), text());
});

const bytes = (...b) => Buffer.from(b);
const large = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256));
const values = {
  "no arguments": [],
  "null, true, false": [null, true, false],
  "integers": [0, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, -1, -32, -33, -128, -129, -32768, -32769, -(2 ** 31), -(2 ** 31) - 1, Number.MIN_SAFE_INTEGER],
  "floats": [1.5, -0.1, 5e-324, Math.PI, 1e-7, 123456.789],
  "strings": ["", "ünïcödé", "日本語", "🎉👩‍👩‍👧", '"quotes" \\ / \b\f\n\r\t', "\u0000\u001e\u007f\u2028\u2029", ...[31, 32, 255, 256, 65536].map((n) => "a".repeat(n))],
  "arrays": [[], [[]], [1, [2, [3, ["x"]]]], ...[15, 16, 65536].map((n) => Array(n).fill(7))],
  "objects": [{}, { a: { b: { c: [null] } } }, { "": 1, "ключ 🔑": 2, "a\nb": 3, constructor: 4 }, Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i]))],
  "the look of a placeholder": [{ _placeholder: true, num: 0 }, { _placeholder: false }, { num: 1 }],
  "a hundred arguments": Array.from({ length: 100 }, (_, i) => i),
  "bytes": [bytes(1, 2, 3), bytes(), large],
  "more than ten attachments": Array.from({ length: 50 }, (_, i) => bytes(i, i + 1, i + 2)),
  "bytes nested in maps and arrays": [{ file: { name: "ü.png", parts: [bytes(1), [bytes(2), { deep: bytes(3) }]] } }, [[bytes(4)]], "after"],
};

// What comes back in another form, since Go knows nothing of JavaScript's types:
// the text format has it the same. The reference keeps them.
const date = new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789));
const changed = {
  "dates": [[date, { at: date }], [date.toJSON(), { at: date.toJSON() }]],
  "NaN and infinity": [[NaN, Infinity, -Infinity], [null, null, null]],
  "undefined": [[undefined, [undefined], { a: undefined, b: 1 }], [null, [null], { b: 1 }]],
  "ArrayBuffer": [[Uint8Array.of(9, 8, 7).buffer], [bytes(9, 8, 7)]],
  "Uint8Array": [[Uint8Array.of(9, 8, 7)], [bytes(9, 8, 7)]],
};

suite("msgpack", (v) => {
  const client = (t, options) => t.client(v, server, { parser, ...options });

  test("connects over the transports asked for", async (t) => {
    const socket = await connected(client(t));
    await settled(v, socket);
    assert.equal(socket.io.engine.transport.name, v.mode === "polling" ? "polling" : "websocket");
    assert.match(socket.id, /^[\w-]{20}$/);
    assert.deepEqual(await ask(socket, "whoami"), [{ id: socket.id, auth: {}, query: "" }]);
  });

  test("auth reaches the server", async (t) => {
    const auth = { token: "good", user: { name: "Zoë", tags: [1, null] }, key: bytes(0, 255) };
    const socket = await connected(client(t, { nsp: "/auth", auth }));
    const [got] = await ask(socket, "whoami");
    // Nothing but events and acks have attachments in sio.
    assert.deepEqual(got.auth, target === "reference" ? auth : { ...auth, key: auth.key.toString("base64") });
  });

  test("refusals", async (t) => {
    const refused = (token) => connected(client(t, { nsp: "/auth", auth: { token } }));
    await assert.rejects(refused("wrong"), { message: "not authorized", data: { code: 401, hint: ["token", null] } });
    await assert.rejects(refused("bare"), (err) => err.message === "not today" && err.data === undefined);
    await assert.rejects(connected(client(t, { nsp: "/unknown" })), { message: "Invalid namespace" });
  });

  for (const [what, args] of Object.entries(values)) {
    test(what, async (t) => {
      const socket = await connected(client(t));
      const echo = next(socket, "echo");
      socket.emit("echo", ...args);
      assert.deepEqual(await echo, args, "as an event");
      assert.deepEqual(await ask(socket, "echo:ack", ...args), args, "as an ack");
    });
  }

  for (const [what, [args, wanted]] of Object.entries(changed)) {
    test(what, async (t) => {
      const socket = await connected(client(t));
      const got = await ask(socket, "echo:ack", ...args);
      if (target === "reference") assert.equal(JSON.stringify(got.map(jsonOf)), JSON.stringify(args.map(jsonOf)));
      else assert.deepEqual(got, wanted);
    });
  }

  if (target === "sio") {
    test("the look of a placeholder beside bytes ends the connection", async (t) => {
      const socket = await connected(client(t));
      const gone = next(socket, "disconnect");
      socket.emit("echo", { _placeholder: true, num: 0 }, bytes(1));
      await gone;
    });
  }

  test("the server asks, the client answers", async (t) => {
    const socket = await connected(client(t));
    socket.on("question", (question, ack) => ack({ [question]: bytes(4, 2) }));
    assert.deepEqual(await ask(socket, "ask", 5000, "really?"), [{ answer: { "really?": bytes(4, 2) } }]);
  });

  test("the connect handler's events follow the connect", async (t) => {
    const socket = client(t);
    const seen = [];
    socket.on("connect", () => seen.push("connect"));
    const welcomes = collect(socket, "welcome", (values) => seen.push(values.at(-1)) === 3);
    await connected(socket);
    assert.deepEqual(await welcomes, [1, 2]);
    assert.deepEqual(seen, ["connect", 1, 2]);
  });

  test("namespaces side by side", async (t) => {
    const manager = t.manager(v, server, { parser });
    const sockets = ["/", "/chat", "/auth"].map((nsp) => manager.socket(nsp, { auth: { token: "good" } }));
    await Promise.all(sockets.map(connected));
    const mine = (s) => Array.from({ length: 20 }, (_, i) => [`${s.nsp} ${i}`, Buffer.from(`${s.nsp} ${i}`)]);
    const acks = sockets.map((s) => Promise.all(mine(s).map((args) => ask(s, "echo:ack", ...args))));
    assert.deepEqual(await Promise.all(acks), sockets.map(mine));
  });

  test("a broadcast to a room, the sender left out", async (t) => {
    const sockets = await Promise.all([1, 2, 3].map(() => connected(client(t))));
    const room = `room of ${sockets[0].id}`;
    for (const s of sockets) assert.deepEqual(await ask(s, "join", [room]), [[room]]);
    const data = { i: 1, tag: bytes(1, 2, 3), list: ["x", null] };
    sockets[0].on("news", () => assert.fail("the sender has got it"));
    const news = sockets.slice(1).map((s) => next(s, "news"));
    await ask(sockets[0], "send", { by: "socket", to: [room], except: [], volatile: false }, "news", data);
    assert.deepEqual(await Promise.all(news), [[data], [data]]);
    assert.deepEqual(await ask(sockets[0], "leave", room), [[]]);
  });

  test("numbered messages both ways arrive in order", async (t) => {
    const socket = client(t);
    const numbers = collect(socket, "number", (got) => got.length === 500);
    const counts = collect(socket, "count", (got) => got.length === 500);
    await connected(socket);
    socket.emit("count", 0, 500);
    for (let i = 0; i < 500; i++) socket.emit("number", i);
    const wanted = Array.from({ length: 500 }, (_, i) => i);
    assert.deepEqual(await numbers, wanted);
    assert.deepEqual(await counts, wanted);
  });

  test("the client leaves a namespace, and comes back", async (t) => {
    const monitor = await connected(t.client(variants[0], server, { nsp: "/monitor", parser }));
    const manager = t.manager(v, server, { parser });
    const [root, chat] = [manager.socket("/"), manager.socket("/chat")];
    await Promise.all([root, chat].map(connected));
    const { id } = chat;
    const left = next(monitor, "left", (what) => what.id === id);
    chat.disconnect();
    assert.equal((await left)[0].reason, "client namespace disconnect");
    assert.deepEqual(await ask(root, "echo:ack", "here"), ["here"]);
    await connected(chat);
    assert.deepEqual(await ask(chat, "echo:ack", "back"), ["back"]);
  });

  test("the server disconnects a socket", async (t) => {
    const socket = await connected(client(t, { nsp: "/chat" }));
    const gone = next(socket, "disconnect");
    socket.emit("bye", false);
    assert.equal((await gone)[0], "io server disconnect");
  });

  test("a client that speaks text is cut off", async (t) => {
    const socket = t.client(v, server, { reconnection: false });
    const closed = next(socket.io, "close");
    socket.connect();
    await closed;
    assert.equal(socket.connected, false);
  });
});

// jsonOf tells values apart that JSON would not.
function jsonOf(value) {
  if (value === undefined) return "undefined";
  if (typeof value === "number") return String(value);
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return [...new Uint8Array(value.buffer ?? value)];
  return value;
}
