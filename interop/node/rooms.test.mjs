import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ask, collect, connected, next, start, suite, target, test } from "./harness.mjs";

let server;
before(async () => (server = await start()));
after(() => server.stop());

// trio connects a, b and c; rooms are named by a prefix of their own, since
// all tests share the server.
async function trio(t, v, nsp) {
  const sockets = await Promise.all([1, 2, 3].map(() => connected(t.client(v, server, { nsp }))));
  const [{ id }] = sockets;
  return { sockets, room: (name) => `${id} ${name}` };
}

const all = { by: "server", to: [], except: [], volatile: false };
const mine = { ...all, by: "socket" };

// heard runs act, then tells which of the sockets heard the event: once the
// mark sent after it is there, what did not arrive will not.
async function heard(sockets, act) {
  const got = sockets.map(() => []);
  const listen = sockets.map((_, i) => (data) => got[i].push(data));
  sockets.forEach((s, i) => s.on("news", listen[i]));
  await act();
  const marks = sockets.map((s) => next(s, s.id));
  for (const s of sockets) await ask(s, "send", { ...all, to: [s.id] }, s.id, "mark");
  await Promise.all(marks);
  sockets.forEach((s, i) => s.off("news", listen[i]));
  return got.map((g) => g.length);
}

suite("rooms", (v) => {
  test("join and leave", async (t) => {
    const { sockets: [a], room } = await trio(t, v);
    assert.deepEqual(await ask(a, "join", ["y", "x"]), [["x", "y"]]);
    assert.deepEqual(await ask(a, "join", ["x"]), [["x", "y"]]);
    assert.deepEqual(await ask(a, "leave", "x"), [["y"]]);
    assert.deepEqual(await ask(a, "leave", room("never joined")), [["y"]]);
  });

  test("to a room: the sender left out, or not", async (t) => {
    const { sockets, room } = await trio(t, v);
    const [a, b] = sockets;
    for (const s of [a, b]) await ask(s, "join", [room("x")]);
    assert.deepEqual(await heard(sockets, () => ask(a, "send", { ...mine, to: [room("x")] }, "news", 1)), [0, 1, 0], "by the socket");
    assert.deepEqual(await heard(sockets, () => ask(a, "send", { ...all, to: [room("x")] }, "news", 1)), [1, 1, 0], "by the server");
    await ask(b, "leave", room("x"));
    assert.deepEqual(await heard(sockets, () => ask(a, "send", { ...all, to: [room("x")] }, "news", 1)), [1, 0, 0], "after a leave");
  });

  test("several rooms reach each socket once; except leaves out", async (t) => {
    const { sockets, room } = await trio(t, v);
    const [a, b, c] = sockets;
    await ask(a, "join", [room("x")]);
    await ask(b, "join", [room("x"), room("y")]);
    await ask(c, "join", [room("y"), room("quiet")]);
    const to = [room("x"), room("y")];
    assert.deepEqual(await heard(sockets, () => ask(a, "send", { ...all, to }, "news", 1)), [1, 1, 1]);
    assert.deepEqual(await heard(sockets, () => ask(a, "send", { ...mine, to }, "news", 1)), [0, 1, 1]);
    assert.deepEqual(await heard(sockets, () => ask(a, "send", { ...all, to, except: [room("quiet")] }, "news", 1)), [1, 1, 0]);
    assert.deepEqual(await heard(sockets, () => ask(a, "send", { ...all, to, except: [b.id] }, "news", 1)), [1, 0, 1], "an id is a room");
  });

  test("to everyone, and to everyone else", async (t) => {
    const { sockets } = await trio(t, v);
    assert.deepEqual(await heard(sockets, () => ask(sockets[0], "send", all, "news", 1)), [1, 1, 1]);
    assert.deepEqual(await heard(sockets, () => ask(sockets[0], "send", mine, "news", 1)), [0, 1, 1]);
  });

  test("rooms of two namespaces are not the same", async (t) => {
    const { sockets: [a, b, c], room } = await trio(t, v);
    const d = await connected(t.client(v, server, { nsp: "/chat" }));
    for (const s of [a, d]) await ask(s, "join", [room("x")]);
    assert.deepEqual(await heard([a, b, c, d], () => ask(d, "send", { ...all, to: [room("x")] }, "news", 1)), [0, 0, 0, 1]);
  });

  test("binary to a room reaches all transports and versions", async (t) => {
    const { sockets, room } = await trio(t, v);
    for (const s of sockets) await ask(s, "join", [room("x")]);
    const data = { name: "ü", file: Buffer.from([0, 255]), more: [Buffer.alloc(0), 1] };
    const news = sockets.map((s) => next(s, "news"));
    await ask(sockets[0], "send", { ...all, to: [room("x")] }, "news", data);
    assert.deepEqual(await Promise.all(news), [[data], [data], [data]]);
  });

  test("rooms are left on disconnect, and not before the handlers ran", async (t) => {
    const { sockets: [a, b], room } = await trio(t, v);
    const monitor = await t.monitor(server);
    await ask(a, "join", [room("x")]);
    const { id } = a;
    const leaving = next(monitor, "leaving", (what) => what.id === id);
    const left = next(monitor, "left", (what) => what.id === id);
    a.disconnect();
    assert.deepEqual((await leaving)[0].rooms, [room("x")]);
    assert.deepEqual((await left)[0].rooms, []);
    await connected(a);
    assert.deepEqual(await heard([a, b], () => ask(b, "send", { ...all, to: [room("x")] }, "news", 1)), [0, 0]);
  });
});

suite("volatile", (v) => {
  test("arrives when the transport is ready", async (t) => {
    const { sockets, room } = await trio(t, v);
    for (const s of sockets) await ask(s, "join", [room("x")]);
    const [, b] = sockets;
    // Ready is when the poll is out or the last write done, which the client can't
    // see: try until one arrives.
    let done = false;
    const got = next(b, "news").then(() => (done = true));
    while (!done) await ask(sockets[0], "send", { ...mine, to: [room("x")], volatile: true }, "news", 1);
    await got;
  });

  test("a burst is thinned out, not reordered", async (t) => {
    const socket = await connected(t.client(v, server));
    const got = [];
    socket.on("burst", (i) => got.push(i));
    const end = next(socket, "burst:end");
    socket.emit("burst", 1000);
    await end;
    assert.deepEqual(got, [...new Set(got)].sort((a, b) => a - b));
    // sio may write all of them to a WebSocket that takes them. A poll takes one.
    if (v.mode === "polling" || target === "reference") assert.ok(got.length < 1000, `${got.length} arrived`);
  });
});
