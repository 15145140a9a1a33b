// Clients of version 2, which speak Engine.IO 3, where they are allowed.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import * as v48 from "socket.io-client";
import v2 from "socket.io-client-2";
import { ask, collect, connected, next, start, target, test, upgraded } from "./harness.mjs";

let server;
before(async () => (server = await start({ "allow-eio3": true })));
after(() => server.stop());

const modes = {
  websocket: { transports: ["websocket"] },
  polling: { transports: ["polling"] },
  upgrade: { transports: ["polling", "websocket"] },
  "websocket with base64": { transports: ["websocket"], forceBase64: true },
  "polling with base64": { transports: ["polling"], forceBase64: true },
};

function suite(what, body) {
  for (const [mode, options] of Object.entries(modes)) {
    describe(`${what}, 2.5 over ${mode}`, { timeout: 600_000 }, () => body(options, mode));
  }
}

// manager2 makes a manager of version 2, which is closed when the test ends.
function manager2(t, options, url = server.url) {
  const m = new v2.Manager(url, { autoConnect: false, reconnectionDelay: 20, reconnectionDelayMax: 100, ...options });
  t.after(() => {
    m.reconnection(false);
    m.close();
  });
  return m;
}

// connected2 connects a socket of version 2; a refusal rejects with its data.
function connected2(socket) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("not connected")), 20_000);
    const settle = (f) => (value) => {
      clearTimeout(timer);
      socket.off("connect", yes);
      socket.off("error", no);
      f(value);
    };
    const yes = settle(() => resolve(socket));
    const no = settle(reject);
    socket.on("connect", yes);
    socket.on("error", no);
    socket.connect();
  });
}

function client2(t, options, nsp = "/", query) {
  return manager2(t, options).socket(nsp, query && { query });
}

// plain makes comparable what arrives: bytes come in several types.
function plain(value) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return { bytes: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  return value;
}
const same = (got, want, why) => assert.deepEqual(plain(got), plain(want), why);

const large = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256));
const values = {
  "no arguments": [],
  "null, true, numbers": [null, true, 0, -1.5, 1e21],
  "text": ["", "ascii", "ünïcödé", "日本語", "🎉👩‍👩‍👧", "\u0000\u001e\u007f\u2028", "4:abc", "b4AAAA", "𝒳".repeat(3000)],
  "objects": [{}, { a: { b: [[null]] }, "ключ 🔑": 2 }],
  "binary": [Buffer.from([1, 2, 3])],
  "empty binary": [Buffer.alloc(0), "and text"],
  "an ArrayBuffer and a view": [Uint8Array.from([9, 8]).buffer, Uint8Array.from([7])],
  "every byte": [Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
  "binary in depth, with text beyond the BMP": [{ "🎉": [Buffer.from([1]), { deep: Buffer.from([255]) }] }, "日本語🎉", Buffer.from("x")],
  "large binary": [large, { again: large }],
};

suite("events", (options, mode) => {
  for (const [what, args] of Object.entries(values)) {
    test(what, async (t) => {
      const socket = await connected2(client2(t, options));
      const echo = next(socket, "echo");
      socket.emit("echo", ...args);
      same(await echo, args, "as an event");
      same(await ask(socket, "echo:ack", ...args), args, "as an ack");
    });
  }

  test("what the connect handler emits, and the id", async (t) => {
    const socket = client2(t, options);
    const welcome = collect(socket, "welcome", (got) => got.length === 2);
    await connected2(socket);
    assert.deepEqual(await welcome, [1, 2]);
    assert.deepEqual(await ask(socket, "whoami"), [{ id: socket.io.engine.id, auth: {}, query: "" }]);
    assert.equal(socket.id, socket.io.engine.id);
  });

  test("the handshake's query", async (t) => {
    const socket = await connected2(client2(t, { ...options, query: { who: "me 🎉" } }));
    assert.deepEqual(await ask(socket, "whoami"), [{ id: socket.id, auth: {}, query: "me 🎉" }]);
  });

  test("the server asks, the client answers", async (t) => {
    const socket = await connected2(client2(t, options));
    socket.on("question", (question, ack) => ack({ [question]: Buffer.from([4, 2]) }));
    same(await ask(socket, "ask", 5000, "really?"), [{ answer: { "really?": Buffer.from([4, 2]) } }]);
    socket.off("question");
    assert.deepEqual(await ask(socket, "ask", 50, "anyone?"), [{ error: "timeout" }]);
  });

  test("numbered messages both ways arrive once and in order", async (t) => {
    const socket = client2(t, options);
    let [sent, counted, until] = [0, 0, mode === "upgrade" ? Infinity : 500];
    const pump = () => {
      if (sent >= until) return;
      for (let i = 0; i < 10; i++) socket.emit("number", sent++);
      socket.emit("count", counted, 10);
      counted += 10;
    };
    socket.on("number", (i) => i % 10 === 0 && pump());
    const numbers = collect(socket, "number", (got) => got.length >= until && got.length === sent);
    const counts = collect(socket, "count", (got) => got.length >= until && got.length === counted);
    await connected2(socket);
    pump();
    if (mode === "upgrade") {
      await upgraded(socket);
      until = sent + 500;
    }
    assert.deepEqual(await numbers, Array.from({ length: sent }, (_, i) => i));
    assert.deepEqual(await counts, Array.from({ length: counted }, (_, i) => i));
  });

  test("text and binary of one event stay together among many", async (t) => {
    const manager = manager2(t, options);
    const sockets = await Promise.all(["/", "/chat"].map((nsp) => connected2(manager.socket(nsp))));
    const wanted = (i) => [{ i, tag: Buffer.from(`a${i}`) }, `text ${i}`, [Buffer.from(`b${i}`)]];
    await Promise.all(
      sockets.map(async (socket) => {
        const room = `storm ${socket.id}`;
        await ask(socket, "join", [room]);
        const got = [];
        const all = next(socket, "storm", (...args) => got.push(args) === 200);
        const acks = Array.from({ length: 50 }, (_, i) => ask(socket, "echo:ack", ...wanted(i)));
        assert.deepEqual(await ask(socket, "storm", room, 200), [200]);
        await all;
        got.sort(([a], [b]) => a.i - b.i);
        same(got, Array.from({ length: 200 }, (_, i) => wanted(i)));
        same(await Promise.all(acks), Array.from({ length: 50 }, (_, i) => wanted(i)));
      }),
    );
  });
});

suite("namespaces", (options) => {
  test("another namespace, its id, and events of both", async (t) => {
    const manager = manager2(t, options);
    const [root, chat] = await Promise.all(["/", "/chat"].map((nsp) => connected2(manager.socket(nsp))));
    assert.equal(chat.id, `/chat#${root.id}`);
    assert.deepEqual(await ask(chat, "whoami"), [{ id: chat.id, auth: {}, query: "" }]);
    assert.deepEqual(await ask(root, "echo:ack", "root"), ["root"]);
  });

  test("the query of a namespace is its auth", async (t) => {
    const query = { token: "good", "ключ": "a b+c&d=e,🎉", empty: "" };
    const socket = await connected2(client2(t, options, "/auth", query));
    assert.deepEqual(await ask(socket, "whoami"), [{ id: socket.id, auth: query, query: "" }]);
    assert.match(socket.id, /^\/auth#/);
  });

  test("refusals", async (t) => {
    const refused = (nsp, query) => connected2(client2(t, options, nsp, query)).then(() => assert.fail("connected"), (data) => data);
    assert.deepEqual(await refused("/auth"), { code: 401, hint: ["token", null] }, "with data");
    assert.equal(await refused("/auth", { token: "bare" }), "not today");
    const internal = await refused("/auth", { token: "internal" });
    assert.equal(typeof internal, "string");
    if (target === "sio") assert.doesNotMatch(internal, /10\.0/);
    assert.deepEqual(await refused("/nope", { a: "b" }), { message: "Invalid namespace" });
  });

  test("a refusal leaves the other namespaces alone", async (t) => {
    const manager = manager2(t, options);
    const root = await connected2(manager.socket("/"));
    const refused = manager.socket("/auth");
    const error = next(refused, "error");
    refused.connect();
    await error;
    assert.deepEqual(await ask(root, "echo:ack", 1), [1]);
  });
});

suite("rooms", (options) => {
  test("clients of versions 2 and 4 hear the same", async (t) => {
    const old = await connected2(client2(t, options));
    const recent = await Promise.all(["websocket", "polling"].map((name) => connected(t.client({ client: v48, transports: [name] }, server))));
    const sockets = [old, ...recent];
    const room = `mixed ${recent[0].id}`;
    for (const s of sockets) await ask(s, "join", [room]);
    const data = { text: "日本語🎉", tag: Buffer.from([0, 4, 255]) };
    for (const from of sockets) {
      const heard = sockets.map((s) => next(s, "news"));
      await ask(from, "send", { by: "server", to: [room], except: [], volatile: false }, "news", data);
      for (const args of await Promise.all(heard)) same(args, [data]);
    }
    const heard = recent.map((s) => next(s, "news"));
    old.on("news", () => assert.fail("the sender hears itself"));
    await ask(old, "send", { by: "socket", to: [room], except: [], volatile: false }, "news", "others");
    for (const args of await Promise.all(heard)) assert.deepEqual(args, ["others"]);
    const direct = next(old, "direct");
    await ask(recent[0], "send", { by: "server", to: [old.id], except: [], volatile: false }, "direct", 1);
    assert.deepEqual(await direct, [1]);
    assert.deepEqual(await ask(old, "leave", room), [[]]);
  });
});

suite("disconnects", (options) => {
  const left = async (t) => {
    const monitor = await connected(t.client({ client: v48, transports: ["websocket"] }, server, { nsp: "/monitor" }));
    return (socket, id = socket.id) => next(monitor, "left", (what) => what.id === id).then(([what]) => what.reason);
  };

  test("by the client", async (t) => {
    const socket = await connected2(client2(t, options));
    const reason = (await left(t))(socket);
    const told = next(socket, "disconnect");
    socket.disconnect();
    assert.equal((await told)[0], "io client disconnect");
    assert.equal(await reason, "client namespace disconnect");
  });

  test("by the client, of one namespace, and back", async (t) => {
    const manager = manager2(t, options);
    const [root, chat] = await Promise.all(["/", "/chat"].map((nsp) => connected2(manager.socket(nsp))));
    const departure = await left(t);
    for (let i = 0; i < 3; i++) {
      const reason = departure(chat);
      chat.disconnect();
      assert.equal(await reason, "client namespace disconnect");
      await connected2(chat);
      assert.deepEqual(await ask(chat, "echo:ack", i), [i]);
      const direct = next(chat, "direct");
      await ask(chat, "send", { by: "server", to: [chat.id], except: [], volatile: false }, "direct", i);
      assert.deepEqual(await direct, [i], "the id is a room again");
    }
    assert.deepEqual(await ask(root, "echo:ack", 1), [1]);
  });

  test("by the server", async (t) => {
    const departure = await left(t);
    for (const close of [false, true]) {
      const socket = await connected2(client2(t, options));
      const reason = departure(socket);
      const told = next(socket, "disconnect");
      socket.emit("bye", close);
      assert.equal((await told)[0], "io server disconnect");
      assert.equal(await reason, "server namespace disconnect");
    }
  });

  test("the connection is closed", async (t) => {
    const socket = await connected2(client2(t, { ...options, reconnection: false }));
    if (options.transports.length === 2) await upgraded(socket);
    const reason = (await left(t))(socket);
    socket.io.engine.close();
    assert.equal(await reason, "transport close");
  });

  test("a client that comes back", async (t) => {
    const own = await start({ "allow-eio3": true });
    let ended = false;
    t.after(() => ended || own.kill());
    const socket = manager2(t, options, own.url).socket("/");
    await connected2(socket);
    const { id } = socket;
    const [gone, back] = [next(socket, "disconnect"), next(socket, "reconnect")];
    await own.kill();
    await gone;
    await own.restart();
    await back;
    assert.deepEqual(await ask(socket, "echo:ack", "again"), ["again"]);
    assert.notEqual(socket.id, id);
    socket.io.reconnection(false);
    socket.disconnect();
    await own.stop();
    ended = true;
  });
});

suite("heartbeat", (options) => {
  let quick;
  before(async () => (quick = await start({ "allow-eio3": true, "ping-interval": 50, "ping-timeout": 1500 })));
  after(() => quick.stop());

  test("the client pings, the server answers, well beyond the timeout", async (t) => {
    const socket = manager2(t, options, quick.url).socket("/");
    await connected2(socket);
    socket.on("disconnect", (reason) => assert.fail(reason));
    let pongs = 0;
    await next(socket, "pong", () => ++pongs === 80);
    assert.deepEqual(await ask(socket, "echo:ack", 1), [1]);
    socket.off("disconnect");
  });

  test("a client that does not ping is given up", async (t) => {
    const socket = manager2(t, { ...options, reconnection: false }, quick.url).socket("/");
    await connected2(socket);
    // The reference forgets to watch a client of version 2 behind its upgrade.
    if (options.transports.length === 2 && target === "reference") return;
    if (options.transports.length === 2) await upgraded(socket);
    const gone = next(socket, "disconnect");
    const [before, { id }] = [Date.now(), socket];
    const { engine } = socket.io;
    engine.setPing = () => {};
    engine.off("heartbeat"); // it would give the server up first
    clearTimeout(engine.pingIntervalTimer);
    clearTimeout(engine.pingTimeoutTimer);
    await gone;
    assert.ok(Date.now() - before < 5000);
    while (!quick.lines.some((what) => what.id === id)) await new Promise(setImmediate);
    assert.equal(quick.lines.find((what) => what.id === id).reason, "ping timeout");
  });
});

describe("not allowed", { timeout: 60_000 }, () => {
  let strict;
  before(async () => (strict = await start()));
  after(() => strict.stop());

  for (const transports of [["websocket"], ["polling"]]) {
    test(`clients of version 2 are refused over ${transports}`, async (t) => {
      const socket = manager2(t, { transports, reconnection: false }, strict.url).socket("/");
      const refused = next(socket, "connect_error");
      socket.connect();
      await refused;
    });
  }

  test("with code 5", async () => {
    const answer = await fetch(`${strict.url}/socket.io/?EIO=3&transport=polling`);
    assert.equal(answer.status, 400);
    assert.deepEqual(await answer.json(), { code: 5, message: "Unsupported protocol version" });
  });
});
