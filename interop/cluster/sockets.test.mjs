import assert from "node:assert/strict";
import { once } from "node:events";
import { across, everyMode, suite, target, test, unique, within } from "./harness.mjs";
import { bytes } from "./values.mjs";

const ids = (sockets) => sockets.map(({ id }) => id).sort();

suite("sockets of other servers", [...everyMode, "classic, answers to one"], (cluster, format) => {
  const classic = format.startsWith("classic");

  across(cluster, "fetchSockets: ids, rooms, data and handshakes", async (c, from, to) => {
    const [room, other] = [unique("room"), unique("room")];
    const data = { name: "ada é", half: 0.5, list: [1, null, "x"], deep: { yes: true } };
    const here = await c.client(from, { rooms: [room] });
    const there = await c.client(to, {
      rooms: [room, other],
      data,
      query: { who: "ä b&c" },
      extraHeaders: { "X-Agent": "Test", Origin: "https://a.example" },
    });
    await c.client(to);
    const sockets = await from.do({ do: "fetch", to: [room] });
    assert.deepEqual(ids(sockets), [here.id, there.id].sort());
    const got = sockets.find(({ id }) => id === there.id);
    assert.deepEqual(got.rooms.sort(), [there.id, room, other].sort());
    assert.deepEqual(got.data, data);
    const { headers, query, url, time, issued, address, secure, xdomain } = got.handshake;
    assert.equal(headers["x-agent"], "Test");
    assert.equal(headers.origin, "https://a.example");
    assert.deepEqual([query.who, query.EIO, query.transport], ["ä b&c", "4", "websocket"]);
    assert.equal(new URL(url, "http://localhost").searchParams.get("who"), "ä b&c");
    assert.ok(url.startsWith("/socket.io/?"), url);
    assert.ok(Math.abs(Date.now() - issued) < 60_000, `issued at ${issued}`);
    if (from.kind === "Node") assert.ok(Math.abs(new Date(time) - issued) < 2_000, `${time}, issued at ${issued}`);
    assert.deepEqual([address, secure, xdomain], ["127.0.0.1", false, true]);
    if (from.kind === "Go") assert.equal(await from.do({ do: "count", to: [room] }), 2);
  });

  across(cluster, "socketsJoin and socketsLeave", async (c, from, to) => {
    const [room, more, away] = [unique("room"), unique("more"), unique("away")];
    const [here, there, left] = [
      await c.client(from, { rooms: [room] }),
      await c.client(to, { rooms: [room] }),
      await c.client(to, { rooms: [room, away] }),
    ];
    await from.do({ do: "join", to: [room], except: [away], rooms: [more, `${more}2`] });
    await c.fence(from, here, there, left);
    await c.looped(from, here, to, there);
    await c.joined([from, to], more);
    const who = async () => ids(await from.do({ do: "fetch", to: [more] }));
    assert.deepEqual(await who(), [here.id, there.id].sort());
    await from.do({ do: "emit", to: [more], event: "news", args: [1] });
    await from.do({ do: "leave", to: [there.id], rooms: [more] });
    await c.fence(from, here, there, left);
    assert.deepEqual(await who(), [here.id]);
    await from.do({ do: "emit", to: [more], event: "news", args: [2] });
    await c.fence(from, here, there, left);
    assert.deepEqual([here.log, there.log, left.log], [[["news", 1], ["news", 2]], [["news", 1]], []]);
    await from.do({ do: "leave", rooms: [more] });
    await c.looped(from, here, to, there);
    assert.deepEqual(await who(), []);
  });

  // Where the receiver subscribes to a room only when somebody is there, an event that
  // another server sends at once may be too early for it. A Go server knows, and sends it
  // to all.
  const listensToAll = ["classic, by pattern", "sharded, static", "streams", "streams, sharded"].includes(format);
  const ofNode = listensToAll || (classic && target === "reference") ? ["Node", "Go"] : classic ? ["Node"] : [];
  for (const [sender, receivers] of [["Go", target === "sio" ? ["Node", "Go"] : ofNode], ["Node", ofNode]]) {
    across(
      cluster,
      "socketsJoin and emit at once",
      async (c, from, to) => {
        const [room, client] = [unique("room"), await c.client(to)];
        const steps = [];
        for (let i = 0; i < 20; i++) {
          const news = (n) => ({ do: "emit", to: [room], event: "news", args: [n] });
          steps.push({ do: "join", to: [client.id], rooms: [room] }, news(2 * i), { do: "leave", to: [client.id], rooms: [room] }, news(2 * i + 1));
        }
        await from.do(...steps);
        await c.fence(from, client);
        assert.deepEqual(client.log, Array.from({ length: 20 }, (_, i) => ["news", 2 * i]));
      },
      { senders: [sender], receivers },
    );
  }

  across(cluster, "disconnectSockets, of the namespace and of the connection", async (c, from, to) => {
    for (const close of [false, true]) {
      const [room, away] = [unique("room"), unique("away")];
      const gone = [await c.client(from, { rooms: [room] }), await c.client(to, { rooms: [room] })];
      const stays = await c.client(to, { rooms: [room, away] });
      const beside = await c.beside(to, gone[1].io, { nsp: "/other" });
      const left = gone.map((client) => within("a disconnect", close ? once(client.io, "close") : once(client, "disconnect")));
      await from.do({ do: "disconnect", to: [room], except: [away], close });
      for (const l of left) {
        const [reason] = await l;
        if (!close) assert.equal(reason, "io server disconnect");
      }
      if (!close) await c.fence(from, beside);
      await c.fence(from, stays);
    }
  });

  if (format.includes(",")) return;

  across(cluster, "fetchSockets in rooms, except, and local", async (c, from, to) => {
    const rooms = [unique("room"), unique("room"), unique("away")];
    const [a, b, away, here] = [
      await c.client(to, { rooms: rooms.slice(0, 2) }),
      await c.client(to, { rooms: [rooms[1]] }),
      await c.client(to, { rooms: rooms.slice(1) }),
      await c.client(from, { rooms: [rooms[0]] }),
    ];
    const fetch = async (selection) => ids(await from.do({ do: "fetch", ...selection }));
    assert.deepEqual(await fetch({ to: rooms.slice(0, 2), except: [rooms[2]] }), ids([a, b, here]));
    assert.deepEqual(await fetch({ to: [rooms[1]], except: [b.id] }), ids([a, away]));
    assert.deepEqual(await fetch({ to: [away.id] }), [away.id]);
    assert.deepEqual(await fetch({ to: rooms, local: true }), [here.id]);
    assert.deepEqual(await fetch({ to: [unique("room")] }), []);
    const everybody = await fetch({});
    for (const { id } of [a, b, away, here]) assert.ok(everybody.includes(id));
  });

  // In the classic format answers are JSON, which has no bytes: a Node server gets what
  // JSON.stringify makes of a Buffer. A Go server makes bytes of that.
  across(cluster, "fetchSockets: bytes in data", async (c, from, to) => {
    const there = await c.client(to, { data: { raw: bytes([1, 2, 3]), deep: [{ raw: bytes([255]) }] } });
    const [{ data }] = await from.do({ do: "fetch", to: [there.id] });
    const form = classic && from.kind === "Node" ? (...list) => ({ type: "Buffer", data: list }) : (...list) => Buffer.from(list);
    assert.deepEqual(data, { raw: form(1, 2, 3), deep: [{ raw: form(255) }] });
  });

  across(cluster, "fetchSockets: much data", async (c, from, to) => {
    const [room, text] = [unique("room"), "x".repeat(100_000)];
    const clients = await Promise.all(Array.from({ length: 8 }, (_, i) => c.client(to, { rooms: [room], data: { i, text } })));
    const sockets = await from.do({ do: "fetch", to: [room] });
    assert.deepEqual(ids(sockets), ids(clients));
    for (const { data } of sockets) assert.equal(data.text, text);
  });

  across(cluster, "RemoteSocket: emit, join, leave, disconnect", async (c, from, to) => {
    const [room, client] = [unique("room"), await c.client(to)];
    const remote = (action, rest) => from.do({ do: "remote", to: [client.id], action, ...rest });
    await remote("emit", { event: "news", args: [bytes([7])] });
    await remote("join", { rooms: [room, `${room}2`] });
    await c.fence(from, client);
    assert.deepEqual(ids(await from.do({ do: "fetch", to: [room] })), [client.id]);
    await remote("leave", { rooms: [room] });
    await c.fence(from, client);
    assert.deepEqual(ids(await from.do({ do: "fetch", to: [room] })), []);
    assert.deepEqual(ids(await from.do({ do: "fetch", to: [`${room}2`] })), [client.id]);
    assert.deepEqual(client.log, [["news", Buffer.from([7])]]);
    const left = within("a disconnect", once(client, "disconnect"));
    await remote("disconnect", { close: false });
    assert.equal((await left)[0], "io server disconnect");
  });

  if (!classic) return;

  test(cluster, "allRooms, asked by Node", async (t, c) => {
    const room = unique("room");
    const clients = [await c.client(c.n1, { rooms: [`${room}a`] }), await c.client(c.g1, { rooms: [`${room}b`] }), await c.client(c.g2, { rooms: [`${room}b`, `${room}c`] })];
    const rooms = await c.n1.do({ do: "rooms" });
    for (const name of ["a", "b", "c"].map((end) => room + end).concat(ids(clients))) assert.equal(rooms.filter((r) => r === name).length, 1, name);
  });

  test(cluster, "sockets, as servers of old ask for them", async (t, c) => {
    const room = unique("room");
    const clients = [await c.client(c.n1, { rooms: [room] }), await c.client(c.g1, { rooms: [room] }), await c.client(c.g2, { rooms: [room] })];
    const answers = await c.request("/", { type: 0, uid: "legacy", requestId: unique("request"), rooms: [room] }, 4);
    assert.deepEqual(answers.flatMap(({ sockets }) => sockets).sort(), ids(clients));
    const everybody = await c.request("/", { type: 0, uid: "legacy", requestId: unique("request"), rooms: [] }, 4);
    for (const { id } of clients) assert.ok(everybody.some(({ sockets }) => sockets.includes(id)));
  });

  test(cluster, "joining, leaving and disconnecting one socket, as servers of old did", async (t, c) => {
    for (const server of [c.n1, c.g1]) {
      const [room, client] = [unique("room"), await c.client(server)];
      const ask = (request) => c.request("/", { uid: "legacy", requestId: unique("request"), sid: client.id, ...request }, 1);
      await ask({ type: 2, room });
      assert.deepEqual(ids(await c.n2.do({ do: "fetch", to: [room] })), [client.id]);
      await ask({ type: 3, room });
      assert.deepEqual(ids(await c.n2.do({ do: "fetch", to: [room] })), []);
      const left = within("a disconnect", once(client, "disconnect"));
      await ask({ type: 4, close: true });
      await left;
    }
  });

  test(cluster, "a request is answered with the same fields by all", async (t, c) => {
    const room = unique("room");
    for (const server of [c.n1, c.n2, c.g1, c.g2]) await c.client(server, { rooms: [room], data: { a: 1 } });
    const opts = { rooms: [room], except: [] };
    const shape = (v) => {
      if (v === null || typeof v !== "object") return typeof v;
      return Array.isArray(v) ? v.map(shape) : Object.fromEntries(Object.entries(v).map(([k, e]) => [k, shape(e)]));
    };
    const answers = await c.request("/", { type: 5, uid: "legacy", requestId: unique("request"), opts }, 4);
    const forms = answers.map(({ requestId, sockets }) => shape({ requestId, sockets }));
    for (const form of forms) {
      for (const { handshake } of form.sockets) {
        for (const name of ["connection", "sec-websocket-key"]) assert.equal(handshake.headers[name], "string", name);
        delete handshake.headers;
        delete handshake.auth; // a Go server does not keep it
      }
      assert.deepEqual(form, forms[0]);
    }
    for (const { rooms } of await c.request("/", { type: 1, uid: "legacy", requestId: unique("request") }, 4)) assert.ok(rooms.includes(room));
  });
});
