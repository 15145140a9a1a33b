import assert from "node:assert/strict";
import { once } from "node:events";
import { eventually, mainFormats, suite, target, test, unique, within } from "./harness.mjs";

const ids = (sockets) => sockets.map(({ id }) => id).sort();

suite("servers that come and go", mainFormats, (cluster) => {
  for (const [name, client] of [["n3", "ioredis"], ["g3", target === "sio" ? undefined : "ioredis"]]) {
    test(cluster, `${name} joins, and leaves`, async (t, c) => {
      const room = unique("room");
      const before = [await c.client(c.n1, { rooms: [room] }), await c.client(c.g1, { rooms: [room] })];
      const server = await c.add(name, client);
      const joined = await c.client(server, { rooms: [room] });
      const all = [...before, joined];
      for (const from of [c.n1, c.g1, server]) {
        await from.do({ do: "emit", to: [room], event: "news", args: [from.name] });
        await c.fence(from, ...all);
        assert.deepEqual(ids(await from.do({ do: "fetch", to: [room] })), ids(all));
        assert.equal((await from.do({ do: "inquire", event: "who" })).answers.length, 4);
      }
      for (const { log } of all) assert.deepEqual(log, [["news", "n1"], ["news", "g1"], ["news", name]]);
      await c.remove(server);
      for (const from of [c.n1, c.g1]) {
        assert.deepEqual(ids(await from.do({ do: "fetch", to: [room] })), ids(before));
        const { answers, error } = await from.do({ do: "inquire", event: "who" });
        assert.deepEqual([answers.length, error], [3, ""]);
      }
    });
  }

  // A server that hangs is waited for as long as whoever asks wants. What the others say is
  // there then. Once it is dead, and Redis knows, nobody waits for it.
  for (const victim of ["n2", "g2"]) {
    test(cluster, `${victim} hangs, and is killed`, async (t, c) => {
      const room = unique("room");
      const alive = [await c.client(c.n1, { rooms: [room] }), await c.client(c.g1, { rooms: [room] })];
      await c.client(c[victim], { rooms: [room] });
      for (const client of alive) client.on("question", (ack) => ack("yes"));
      const ask = { do: "ask", to: [room], event: "question" };
      await c[victim].hang();
      const timeout = 2_000;
      const asked = c.g1.do({ ...ask, timeout });
      if (c.g1.kind === "Go") {
        const [fetched, told] = await Promise.all([
          c.g1.do({ do: "fetch partly", timeout, to: [room] }),
          c.g1.do({ do: "inquire", timeout, event: "who" }),
        ]);
        assert.deepEqual(ids(fetched.sockets), ids(alive));
        assert.deepEqual([told.answers.length, fetched.error === "", told.error === ""], [2, false, false]);
        // Node servers do not tell what they are called.
        if (victim === "g2") for (const { error } of [fetched, told]) assert.match(error, /\bg2\b/);
      }
      const { answers, error } = await asked;
      assert.deepEqual([answers, error === ""], [["yes", "yes"], false]);
      await c.kill(c[victim]);
      for (const from of [c.g1, c.n1]) {
        const began = Date.now();
        assert.deepEqual(ids(await from.do({ do: "fetch", to: [room] })), ids(alive));
        assert.deepEqual(await from.do(ask), { answers: ["yes", "yes"], error: "" });
        const told = await from.do({ do: "inquire", event: "who" });
        assert.deepEqual([told.answers.length, told.error], [2, ""]);
        const took = Date.now() - began;
        assert.ok(took < 4_000, `nobody is waited for: ${took} ms`);
      }
      await c.add(victim, c[victim].client);
    });
  }
});

// With redis 5.9, now and then a Node server publishes nothing any more.
suite("a Redis that goes and comes", mainFormats, (cluster) => {
  test(cluster, "Redis is killed, and comes back", async (t, c) => {
    const room = unique("room");
    const servers = [c.n1, c.n2, c.g1, c.g2];
    const clients = [];
    for (const server of servers) clients.push(await c.client(server, { rooms: [room] }));
    await c.redis.stop();
    if (c.g1.kind === "Go") {
      const heard = within("an event of the same server", once(clients[2], "news"));
      await c.g1.do({ do: "emit", to: [room], event: "news", args: ["away"] });
      assert.deepEqual(await heard, ["away"]);
      const { sockets, error } = await c.g1.do({ do: "fetch partly", to: [room] });
      assert.deepEqual([ids(sockets), error === ""], [[clients[2].id], false]);
    }
    await c.redis.restart();
    // What Node servers subscribe to again, and when, Redis tells in part only.
    await c.subscribed("/", 4);
    await c.joined(servers, room);
    if (c.options.format === "classic") await c.redis.subscribers(false, `${c.prefix}-response#/#`, (n) => n === 4);
    for (const from of servers) {
      await eventually(`all hear ${from.name}`, async () => {
        await from.do({ do: "emit", to: [room], event: "hello", args: [from.name] });
        return clients.every(({ log }) => log.some(([event, name]) => event === "hello" && name === from.name));
      });
    }
    for (const from of servers) {
      await from.do({ do: "emit", to: [room], event: "news", args: [from.name] });
      await c.fence(from, ...clients);
      assert.deepEqual(ids(await from.do({ do: "fetch", to: [room] })), ids(clients));
      assert.equal((await from.do({ do: "inquire", event: "who" })).answers.length, 3);
    }
    for (const { log } of clients) assert.deepEqual(log.filter(([event, what]) => event === "news" && what !== "away").map(([, name]) => name), ["n1", "n2", "g1", "g2"]);
  });
}, { clients: ["ioredis", "ioredis"] });
