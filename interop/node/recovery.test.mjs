// Connection state recovery: a client whose connection breaks comes back as the
// socket that it was, and hears what it has missed.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { after, before } from "node:test";
import { ask, connected, next, settled, start, suite, target, test } from "./harness.mjs";

let server;
before(async () => (server = await start({ recovery: 60_000 })));
after(() => server.stop());

// link is a way to the server that breaks on demand.
async function link(t) {
  const pairs = new Set();
  let open = true;
  const proxy = createServer((near) => {
    near.on("error", () => {});
    if (!open) return near.destroy();
    const far = connect(Number(new URL(server.url).port), "127.0.0.1");
    const pair = [near, far];
    pairs.add(pair);
    far.on("error", () => {});
    for (const [a, b] of [pair, [far, near]]) {
      a.on("data", (data) => pair.stalled || b.write(data));
      a.on("close", () => {
        if (pair.stalled && a === near) return;
        b.destroy();
        pairs.delete(pair);
      });
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const cut = () => {
    for (const pair of pairs) pair.forEach((s) => s.destroy());
    pairs.clear();
  };
  t.after(() => {
    open = false;
    cut();
    proxy.close();
  });
  return {
    url: `http://127.0.0.1:${proxy.address().port}`,
    cut() {
      open = false;
      cut();
    },
    restore: () => (open = true),
    // stall lets nothing pass over the connections that are there, and the server not know.
    stall: () => pairs.forEach((pair) => (pair.stalled = true)),
  };
}

const all = { by: "server", to: [], except: [], volatile: false };

// guest connects a client over a link, and another one directly, that acts. The
// first hears news; it is in a room and has a value.
async function guest(t, v) {
  const way = await link(t);
  const [socket, other] = [t.client(v, way), t.client(v, server)];
  const news = [];
  socket.on("news", (data) => news.push(data));
  await Promise.all([socket, other].map(connected));
  await settled(v, socket);
  const { id } = socket;
  const room = `${id} room`;
  await ask(socket, "join", [room]);
  await ask(socket, "set", { name: "ann" });
  const emit = (data, how) => ask(other, "send", { ...all, to: [room], ...how }, "news", data);
  return { way, socket, id, room, other, news, emit };
}

// cut breaks the link; when it returns, both ends know.
async function cut(t, { way, socket, id }) {
  const monitor = await t.monitor(server);
  const left = next(monitor, "left", (what) => what.id === id);
  const gone = next(socket, "disconnect");
  way.cut();
  await Promise.all([left, gone]);
}

// back restores the link and waits for the client.
async function back({ way, socket }) {
  const there = next(socket, "connect");
  way.restore();
  await there;
}

suite("recovery", (v) => {
  if (v.version === "4.0") {
    test("a client that does not know it is a new one", async (t) => {
      const g = await guest(t, v);
      await cut(t, g);
      await g.emit("missed");
      await back(g);
      assert.notEqual(g.socket.id, g.id);
      assert.deepEqual(await ask(g.socket, "state"), [{ recovered: false, value: null, rooms: [] }]);
      assert.deepEqual(g.news, []);
    });
    return;
  }

  test("the id, rooms, values, and what was missed, once and in order", async (t) => {
    const g = await guest(t, v);
    const { socket, news } = g;
    assert.equal(socket.recovered, false);
    const first = next(socket, "news");
    await g.emit("first");
    const [data, offset, ...more] = await first;
    assert.deepEqual([data, typeof offset, more], ["first", "string", []]);
    news.length = 0;
    for (const round of [1, 2, 3]) {
      await cut(t, g);
      for (const i of [1, 2, 3]) await g.emit(round * 10 + i);
      await ask(g.other, "send", { ...all, to: [g.id] }, "news", "direct");
      await ask(g.other, "send", { ...all, except: [g.room] }, "news", "for others");
      if (target === "sio") await g.emit("dropped", { volatile: true });
      await g.emit(Buffer.from([round]));
      let atConnect;
      socket.once("connect", () => (atConnect = [...news]));
      await back(g);
      assert.equal(socket.recovered, true);
      assert.equal(socket.id, g.id);
      const missed = [round * 10 + 1, round * 10 + 2, round * 10 + 3, "direct", Buffer.from([round])];
      assert.deepEqual(atConnect, missed, "before connect");
      assert.deepEqual(await ask(socket, "state"), [{ recovered: true, value: { name: "ann" }, rooms: [g.room] }]);
      assert.deepEqual(news.splice(0), missed);
    }
    const live = next(socket, "news");
    await g.emit("live");
    assert.equal((await live)[0], "live");
    assert.deepEqual(news, ["live"]);
  });

  test("who has never got an offset", async (t) => {
    const way = await link(t);
    const monitor = await t.monitor(server);
    // /monitor is silent while nobody leaves.
    const socket = await connected(t.client(v, way, { nsp: "/monitor" }));
    const { id } = socket;
    const gone = next(socket, "disconnect");
    await settled(v, socket);
    way.cut();
    await gone;
    const there = next(socket, "connect");
    way.restore();
    await there;
    if (target === "sio") {
      assert.equal(socket.recovered, true);
      assert.equal(socket.id, id);
    } else {
      assert.notEqual(socket.id, id);
    }
    monitor.disconnect();
  });

  test("not who shows the pid of a client that is there", async (t) => {
    const g = await guest(t, v);
    const first = next(g.socket, "news");
    await g.emit("first");
    await first;
    const auth = { pid: g.socket._pid, offset: g.socket._lastOffset };
    for (let i = 0; i < 3; i++) {
      const other = await connected(t.client(v, server, { auth }));
      assert.equal(other.recovered, false);
      assert.notEqual(other.id, g.id);
      assert.deepEqual(await ask(other, "state"), [{ recovered: false, value: null, rooms: [] }]);
      other.disconnect();
    }
    const second = next(g.socket, "news");
    await g.emit("second");
    await second;
    assert.equal(g.socket.id, g.id);
    assert.deepEqual(g.news, ["first", "second"]);
    await cut(t, g);
    await g.emit("missed");
    await back(g);
    assert.equal(g.socket.recovered, true);
    assert.deepEqual(g.news, ["first", "second", "missed"]);
  });

  test("before the server has noticed", async (t) => {
    const g = await guest(t, v);
    const first = next(g.socket, "news");
    await g.emit("first");
    await first;
    g.way.stall();
    await g.emit("on the way");
    const there = next(g.socket, "connect");
    g.socket.io.engine.close();
    await there;
    if (target === "reference") return; // it knows nothing of the client yet
    assert.equal(g.socket.recovered, true);
    assert.equal(g.socket.id, g.id);
    assert.deepEqual(await ask(g.socket, "state"), [{ recovered: true, value: { name: "ann" }, rooms: [g.room] }]);
    assert.deepEqual(g.news, ["first", "on the way"]);
  });

  test("a volatile event that ends in a string", async (t) => {
    const g = await guest(t, v);
    const first = next(g.socket, "news");
    await g.emit("first");
    await first;
    let done = false;
    const got = next(g.socket, "news").then((args) => {
      done = true;
      return args;
    });
    while (!done) await g.emit("like an offset", { volatile: true });
    assert.deepEqual(await got, ["like an offset"]); // without an offset
    await ask(g.socket, "state"); // none is under way any more
    await cut(t, g);
    await g.emit("missed");
    await back(g);
    if (target === "sio") {
      assert.equal(g.socket.recovered, true);
      assert.deepEqual(g.news.filter((data) => data !== "like an offset"), ["first", "missed"]);
    } else {
      assert.equal(g.socket.recovered, false);
    }
  });

  test("not who has left", async (t) => {
    const g = await guest(t, v);
    const first = next(g.socket, "news");
    await g.emit("first");
    await first;
    g.socket.disconnect();
    await connected(g.socket);
    assert.equal(g.socket.recovered, false);
    assert.notEqual(g.socket.id, g.id);
  });
});
