import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ask, collect, connected, next, settled, start, suite, target, test } from "./harness.mjs";

let server;
before(async () => (server = await start()));
after(() => server.stop());

suite("connect", (v) => {
  test("uses the transports asked for", async (t) => {
    const socket = await connected(t.client(v, server));
    await settled(v, socket);
    assert.equal(socket.io.engine.transport.name, v.mode === "polling" ? "polling" : "websocket");
    assert.match(socket.id, /^[\w-]{20}$/);
    assert.notEqual(socket.id, socket.io.engine.id);
    assert.deepEqual(await ask(socket, "echo:ack", "still here"), ["still here"]);
  });

  test("auth and query reach the server", async (t) => {
    const auth = { token: "good", user: { name: "Zoë", tags: [1, null] } };
    const socket = await connected(t.client(v, server, { nsp: "/auth", auth, query: { who: "a&b=ü" } }));
    assert.deepEqual(await ask(socket, "whoami"), [{ id: socket.id, auth, query: "a&b=ü" }]);
  });

  test("auth may be a function", async (t) => {
    const socket = await connected(t.client(v, server, { nsp: "/auth", auth: (cb) => cb({ token: "good" }) }));
    const [{ auth }] = await ask(socket, "whoami");
    assert.deepEqual(auth, { token: "good" });
  });

  test("a refusal carries message and data", async (t) => {
    const socket = t.client(v, server, { nsp: "/auth", auth: { token: "wrong" } });
    await assert.rejects(connected(socket), { message: "not authorized", data: { code: 401, hint: ["token", null] } });
    assert.equal(socket.connected, false);
  });

  test("a refusal without data", async (t) => {
    await assert.rejects(connected(t.client(v, server, { nsp: "/auth", auth: { token: "bare" } })), (err) => {
      assert.equal(err.message, "not today");
      assert.equal(err.data, undefined);
      return true;
    });
  });

  test("an internal error", async (t) => {
    await assert.rejects(connected(t.client(v, server, { nsp: "/auth", auth: { token: "internal" } })), (err) => {
      // sio tells clients nothing that was not meant for them.
      if (target === "reference") assert.equal(err.message, "the database at 10.0.0.7 is down");
      else assert.doesNotMatch(err.message, /database|10\.0/);
      assert.notEqual(err.message, "");
      return true;
    });
  });

  test("after a refusal, a better token is let in on the same connection", async (t) => {
    const manager = t.manager(v, server);
    await connected(manager.socket("/")); // keeps the connection open meanwhile
    const { id } = manager.engine;
    const socket = manager.socket("/auth", { auth: { token: "wrong" } });
    await assert.rejects(connected(socket), { message: "not authorized" });
    socket.auth = { token: "good" };
    await connected(socket);
    assert.equal(manager.engine.id, id);
  });

  test("an unknown namespace is refused, its neighbours are not", async (t) => {
    const manager = t.manager(v, server);
    const unknown = manager.socket("/unknown");
    const known = manager.socket("/chat");
    const refused = assert.rejects(connected(unknown), { message: "Invalid namespace" });
    await Promise.all([refused, connected(known)]);
    assert.deepEqual(await ask(known, "echo:ack", 1), [1]);
  });

  test("events of the connect handler arrive after the connect, in order", async (t) => {
    const socket = t.client(v, server);
    const seen = [];
    socket.on("connect", () => seen.push("connect"));
    const welcomes = collect(socket, "welcome", (values) => seen.push(values.at(-1)) === 3);
    await connected(socket);
    assert.deepEqual(await welcomes, [1, 2]);
    assert.deepEqual(seen, ["connect", 1, 2]);
  });

  test("events emitted before the server has decided arrive after it has", async (t) => {
    const name = `${v.version} ${v.mode}`;
    const monitor = await t.monitor(server);
    const socket = t.client(v, server, { nsp: "/gate", auth: { name } });
    const waiting = next(monitor, "waiting", (who) => who === name);
    const answers = [1, 2, 3].map((i) => ask(socket, "echo:ack", i));
    const done = connected(socket);
    answers.push(ask(socket, "echo:ack", 4));
    await waiting;
    assert.equal(socket.connected, false);
    answers.push(ask(socket, "echo:ack", 5));
    monitor.emit("open", name);
    await done;
    assert.deepEqual(await Promise.all(answers), [[1], [2], [3], [4], [5]]);
  });

  test("volatile events emitted before the connect are dropped, others kept", async (t) => {
    const socket = t.client(v, server);
    socket.volatile.emit("number", 1);
    socket.emit("number", 2);
    const got = collect(socket, "number", (values) => values.includes(3));
    await connected(socket);
    socket.emit("number", 3);
    assert.deepEqual(await got, [2, 3]);
  });
});

suite("namespaces", (v) => {
  test("side by side on one connection", async (t) => {
    const manager = t.manager(v, server);
    const sockets = ["/", "/chat", "/auth"].map((nsp) => manager.socket(nsp, { auth: { token: "good" } }));
    await Promise.all(sockets.map(connected));
    assert.equal(new Set(sockets.map((s) => s.id)).size, 3, "each has an id of its own");

    // The same ack ids and event names run in all three at once.
    const mine = (s) => Array.from({ length: 20 }, (_, i) => `${s.nsp} ${i}`);
    const got = sockets.map((s) => collect(s, "number", (values) => values.length === 20));
    const acks = sockets.map((s) => Promise.all(mine(s).map((x) => ask(s, "echo:ack", x, Buffer.from(x)))));
    for (let i = 0; i < 20; i++) for (const s of sockets) s.emit("number", mine(s)[i]);
    assert.deepEqual(await Promise.all(got), sockets.map(mine));
    assert.deepEqual(await Promise.all(acks), sockets.map((s) => mine(s).map((x) => [x, Buffer.from(x)])));
  });

  test("leaving one leaves the others, and it can be joined again", async (t) => {
    const manager = t.manager(v, server);
    const [root, chat] = [manager.socket("/"), manager.socket("/chat")];
    await Promise.all([root, chat].map(connected));
    const { id } = chat;
    const monitor = await t.monitor(server);
    const left = next(monitor, "left", (what) => what.id === id);
    chat.disconnect();
    assert.equal((await left)[0].reason, "client namespace disconnect");
    assert.deepEqual(await ask(root, "echo:ack", "here"), ["here"]);
    await connected(chat);
    assert.notEqual(chat.id, id);
    assert.deepEqual(await ask(chat, "echo:ack", "back"), ["back"]);
  });

  test("a namespace joined later, be it during the upgrade", async (t) => {
    const manager = t.manager(v, server);
    await connected(manager.socket("/"));
    const chat = await connected(manager.socket("/chat"));
    await settled(v, chat);
    assert.deepEqual(await ask(chat, "echo:ack", "hello"), ["hello"]);
  });
});
