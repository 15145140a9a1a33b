import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { ask, connected, next, settled, start, suite, target, test } from "./harness.mjs";

// departure resolves to the reason that the server gives for the socket's end.
async function departure(monitor, id) {
  const [{ reason }] = await next(monitor, "left", (what) => what.id === id);
  return reason;
}

suite("disconnect", (v) => {
  let server;
  before(async () => (server = await start()));
  after(() => server.stop());

  test("by the client: the namespace", async (t) => {
    const monitor = await t.monitor(server);
    const socket = await connected(t.client(v, server));
    await settled(v, socket);
    const left = departure(monitor, socket.id);
    const gone = next(socket, "disconnect");
    socket.disconnect();
    assert.equal((await gone)[0], "io client disconnect");
    assert.equal(await left, "client namespace disconnect");
    assert.equal(socket.active, false);
  });

  test("by the client: the connection", async (t) => {
    const monitor = await t.monitor(server);
    const socket = await connected(t.client(v, server));
    await settled(v, socket);
    const left = departure(monitor, socket.id);
    const gone = next(socket, "disconnect");
    socket.io.reconnection(false);
    socket.io.engine.close();
    assert.equal((await gone)[0], "forced close");
    assert.equal(await left, "transport close");
  });

  test("by the server: the namespace, its neighbour stays", async (t) => {
    const monitor = await t.monitor(server);
    const manager = t.manager(v, server);
    const [root, chat] = [manager.socket("/"), manager.socket("/chat")];
    await Promise.all([root, chat].map(connected));
    await settled(v, root);
    const left = departure(monitor, chat.id);
    const gone = next(chat, "disconnect");
    chat.emit("bye", false);
    assert.equal((await gone)[0], "io server disconnect");
    assert.equal(await left, "server namespace disconnect");
    assert.equal(chat.active, false);
    assert.deepEqual(await ask(root, "echo:ack", "here"), ["here"]);
    await connected(chat); // by hand, as the client leaves it to the application
    assert.deepEqual(await ask(chat, "echo:ack", "back"), ["back"]);
  });

  test("by the server: the connection with all its namespaces", async (t) => {
    const monitor = await t.monitor(server);
    const manager = t.manager(v, server);
    const sockets = [manager.socket("/"), manager.socket("/chat")];
    await Promise.all(sockets.map(connected));
    await settled(v, sockets[0]);
    const left = sockets.map((s) => departure(monitor, s.id));
    const gone = sockets.map((s) => next(s, "disconnect"));
    sockets[0].emit("bye", true);
    assert.deepEqual((await Promise.all(gone)).map(([reason]) => reason), Array(2).fill("io server disconnect"));
    assert.deepEqual(await Promise.all(left), Array(2).fill("server namespace disconnect"));
  });

  test("by death of the client", async (t) => {
    const monitor = await t.monitor(server);
    const { child, id } = await victim(t, v, server);
    const left = departure(monitor, id);
    child.kill("SIGKILL");
    // A poll that is cut off is an error, a WebSocket without a close frame is not.
    assert.equal(await left, v.mode === "polling" ? "transport error" : "transport close");
  });
});

suite("silence of the client", (v) => {
  let server;
  before(async () => (server = await start({ "ping-interval": 200, "ping-timeout": 1000 })));
  after(() => server.stop());

  test("is noticed", async (t) => {
    const monitor = await t.monitor(server);
    const { child, id } = await victim(t, v, server);
    const left = departure(monitor, id);
    child.kill("SIGSTOP");
    assert.equal(await left, "ping timeout");
  });
});

// victim connects a client in a process of its own, to be killed or stopped.
async function victim(t, v, server) {
  const child = spawn(process.execPath, [fileURLToPath(new URL("victim.mjs", import.meta.url)), v.version, v.mode, server.url], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const [id] = await once(createInterface({ input: child.stdout }), "line");
  return { child, id };
}

suite("the server goes", (v) => {
  let server;
  before(async () => (server = await start()));
  after(() => server.stop());

  test("killed and restarted: the client comes back, what it emitted meanwhile arrives", async (t) => {
    const manager = t.manager(v, server);
    const sockets = [manager.socket("/"), manager.socket("/auth", { auth: { token: "good" } })];
    await Promise.all(sockets.map(connected));
    await settled(v, sockets[0]);
    const ids = sockets.map((s) => s.id);
    const gone = sockets.map((s) => next(s, "disconnect"));
    await server.kill();
    const reason = v.mode === "polling" ? "transport error" : "transport close";
    assert.deepEqual((await Promise.all(gone)).map(([r]) => r), [reason, reason]);
    const attempt = next(manager, "reconnect_attempt");
    const kept = sockets.map((s) => ask(s, "echo:ack", s.nsp));
    await attempt;
    const back = sockets.map((s) => next(s, "connect"));
    await server.restart();
    await Promise.all(back);
    sockets.forEach((s, i) => assert.notEqual(s.id, ids[i]));
    assert.deepEqual(await Promise.all(kept), [["/"], ["/auth"]]);
    assert.deepEqual(await ask(sockets[0], "echo:ack", "back"), ["back"]);
  });

  test("whose token has ended: it comes back", async (t) => {
    const socket = await connected(t.client(v, server));
    await settled(v, socket);
    const gone = next(socket, "disconnect");
    const back = next(socket, "connect");
    socket.emit("expire");
    assert.equal((await gone)[0], "transport close");
    await back;
    assert.deepEqual(await ask(socket, "echo:ack", "back"), ["back"]);
  });

  test("shut down and restarted: the client comes back", async (t) => {
    const manager = t.manager(v, server);
    const sockets = [manager.socket("/"), manager.socket("/chat")];
    await Promise.all(sockets.map(connected));
    await settled(v, sockets[0]);
    const ids = sockets.map((s) => s.id);
    const gone = sockets.map((s) => next(s, "disconnect"));
    const back = sockets.map((s) => next(s, "connect"));
    const stopped = server.stop();
    assert.deepEqual((await Promise.all(gone)).map(([r]) => r), ["transport close", "transport close"]);
    await stopped;
    for (const event of ["leaving", "left"]) {
      const reasons = ids.map((id) => server.lines.find((l) => l.id === id && l.event === event)?.reason);
      assert.deepEqual(reasons, ["server shutting down", "server shutting down"], event);
    }
    await server.restart();
    await Promise.all(back);
    assert.deepEqual(await ask(sockets[1], "echo:ack", "back"), ["back"]);
  });

  test("shut down behind a thousand messages: they arrive first", async (t) => {
    const socket = await connected(t.client(v, server));
    await settled(v, socket);
    const counts = [];
    socket.on("count", (i) => counts.push(i));
    const gone = next(socket, "disconnect");
    const back = next(socket, "connect");
    socket.emit("farewell", 0, 1000);
    const [reason] = await gone;
    if (target === "sio" || v.mode !== "polling") {
      assert.equal(reason, "transport close");
      assert.deepEqual(counts, Array.from({ length: 1000 }, (_, i) => i));
    } // else the reference drops what is not fetched yet
    await server.exited();
    await server.restart();
    await back;
  });
});
