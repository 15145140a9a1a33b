import assert from "node:assert/strict";
import { across, everyMode, suite, target, unique } from "./harness.mjs";
import { bytes, tag } from "./values.mjs";

suite("broadcasts", everyMode, (cluster, format) => {
  across(cluster, "to all", async (c, from, to) => {
    const clients = await Promise.all([c.client(from), c.client(to), c.client(to)]);
    const stranger = await c.client(to, { nsp: "/other" });
    await from.do({ do: "emit", event: "news", args: [1, "two", { three: [4] }] });
    await c.fence(from, ...clients);
    for (const { log } of clients) assert.deepEqual(log, [["news", 1, "two", { three: [4] }]]);
    await from.do({ do: "emit", nsp: "/other", event: "news" });
    await c.fence(from, stranger);
    assert.deepEqual(stranger.log, [["news"]]);
  });

  across(cluster, "to one room", async (c, from, to) => {
    const room = unique("room");
    const [a, b, outside] = [await c.client(from, { rooms: [room] }), await c.client(to, { rooms: [room] }), await c.client(to)];
    await from.do({ do: "emit", to: [room], event: "news", args: ["é€😀\u2028", null, true, -1.5] });
    await c.fence(from, a, b, outside);
    for (const { log } of [a, b]) assert.deepEqual(log, [["news", "é€😀\u2028", null, true, -1.5]]);
    assert.deepEqual(outside.log, []);
  });

  across(cluster, "to several rooms, once each", async (c, from, to) => {
    const rooms = [unique("room"), unique("room"), unique("room")];
    const clients = [await c.client(to, { rooms }), await c.client(to, { rooms: [rooms[1]] }), await c.client(from, { rooms: [rooms[0]] })];
    const outside = await c.client(to, { rooms: [rooms[2]] });
    await from.do({ do: "emit", to: rooms.slice(0, 2), event: "news" });
    await c.fence(from, ...clients, outside);
    for (const { log } of clients) assert.deepEqual(log, [["news"]]);
    assert.deepEqual(outside.log, []);
  });

  across(cluster, "to a socket's id", async (c, from, to) => {
    const [a, b] = [await c.client(to), await c.client(to)];
    await from.do({ do: "emit", to: [a.id], event: "news", args: ["for a"] }, { do: "emit", to: [b.id], event: "news", args: ["for b"] });
    await c.fence(from, a, b);
    assert.deepEqual([a.log, b.log], [[["news", "for a"]], [["news", "for b"]]]);
  });

  across(cluster, "to rooms of any name", async (c, from, to) => {
    for (const room of ["", "*", "#", "a b", "[é]", "😀", "\\?", "twenty characters ok", "x".repeat(1000)]) {
      const [a, b] = [await c.client(to, { rooms: [room] }), await c.client(to)];
      await from.do({ do: "emit", to: [room], event: "news", args: [room] });
      await c.fence(from, a, b);
      assert.deepEqual([a.log, b.log], [[["news", room]], []], `room ${JSON.stringify(room)}`);
      c.endClients();
    }
  });

  across(cluster, "except a room and an id", async (c, from, to) => {
    const [room, away] = [unique("room"), unique("away")];
    const inside = await c.client(to, { rooms: [room] });
    const left = [await c.client(to, { rooms: [room, away] }), await c.client(from, { rooms: [room, away] }), await c.client(to, { rooms: [room] })];
    const id = left[2].id;
    await from.do(
      { do: "emit", to: [room], except: [away, id], event: "news", args: [1] },
      { do: "emit", except: [away, id], event: "news", args: [2] },
    );
    await c.fence(from, inside, ...left);
    assert.deepEqual(inside.log, [["news", 1], ["news", 2]]);
    for (const { log } of left) assert.deepEqual(log, []);
  });

  if (format.includes(",")) return;

  across(cluster, "local: to nobody elsewhere", async (c, from, to) => {
    const room = unique("room");
    const [here, there] = [await c.client(from, { rooms: [room] }), await c.client(to, { rooms: [room] })];
    await from.do({ do: "emit", local: true, event: "news", args: [1] }, { do: "emit", local: true, to: [room], event: "news", args: [2] });
    await c.fence(from, here, there);
    assert.deepEqual([here.log, there.log], [[["news", 1], ["news", 2]], []]);
  });

  across(cluster, "bytes at any depth", async (c, from, to) => {
    const room = unique("room");
    const clients = [await c.client(from, { rooms: [room] }), await c.client(to, { rooms: [room] })];
    const data = (make) => [make([1, 2, 3]), { a: [make([]), "b", { c: make([0, 255]) }] }];
    await from.do({ do: "emit", to: [room], event: "news", args: data(bytes) });
    await c.fence(from, ...clients);
    for (const { log } of clients) assert.deepEqual(log, [["news", ...data(Buffer.from)]]);
  });

  across(
    cluster,
    "values as Node has them",
    async (c, from, to) => {
      const room = unique("room");
      const clients = [await c.client(to, { rooms: [room] }), await c.client(from, { rooms: [room] })];
      const args = [
        [tag("undefined"), tag("date", 1_700_000_000_123), tag("number", "NaN"), tag("number", "-Infinity"), tag("number", "-0")],
        { left: tag("undefined"), at: tag("date", 0), big: 2 ** 53, bigger: 2 ** 63, small: -(2 ** 63), third: 1 / 3, tiny: 5e-324 },
        [127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, -1, -32, -33, -128, -129, -32_769, -(2 ** 31) - 1],
        tag("arraybuffer", "AQID"),
        { [`__proto${""}__x`]: 1, constructor: "c", "": "empty", 7: "seven" },
        tag("undefined"),
      ];
      await from.do({ do: "emit", to: [room], event: "news", args });
      await c.fence(from, ...clients);
      // The msgpack of streams has members that are undefined, and makes an ArrayBuffer {}.
      for (const client of clients) {
        const kept = format.startsWith("streams") && client === clients[0];
        const left = kept ? { left: null } : {};
        assert.deepEqual(client.log, [
          [
            "news",
            [null, "2023-11-14T22:13:20.123Z", null, null, 0],
            { ...left, at: "1970-01-01T00:00:00.000Z", big: 2 ** 53, bigger: 2 ** 63, small: -(2 ** 63), third: 1 / 3, tiny: 5e-324 },
            [127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, -1, -32, -33, -128, -129, -32_769, -(2 ** 31) - 1],
            kept ? {} : Buffer.from([1, 2, 3]),
            { [`__proto${""}__x`]: 1, constructor: "c", "": "empty", 7: "seven" },
            null,
          ],
        ]);
      }
    },
    { senders: ["Node"] },
  );

  // Between Node servers a number is not the string.
  across(
    cluster,
    "a room that Node names by a number",
    async (c, from, to) => {
      const client = await c.client(to, { rooms: ["7"] });
      await from.do(
        { do: "emit", to: ["7"], event: "news", args: [1] },
        { do: "emit", to: [7], event: "news", args: [2] },
        { do: "emit", except: [7], event: "news", args: [3] },
        { do: "join", to: [7], rooms: [8] },
      );
      await c.fence(from, client);
      assert.deepEqual(client.log, [["news", 1], ["news", 2]]);
      const [socket] = await from.do({ do: "fetch", to: [8] });
      assert.deepEqual([socket.id, socket.rooms.sort()], [client.id, [client.id, "7", "8"].sort()]);
    },
    { senders: ["Node"], receivers: target === "sio" ? ["Go"] : [] },
  );

  across(
    cluster,
    "a server without members of a room hears nothing of it",
    async (c, from, to) => {
      const room = unique("room");
      const clients = [await c.client(from, { rooms: [room] }), await c.client(to)];
      const received = async () => (await to.do({ do: "stats" })).Received;
      const before = await received();
      const news = { do: "emit", to: [room], event: "news" };
      await from.do(...Array(200).fill(news));
      await c.fence(from, ...clients);
      assert.equal(clients[0].log.length, 200);
      const got = (await received()) - before;
      assert.ok(got < 20, `${got} messages, the heartbeats of others included`);
    },
    { receivers: target === "sio" && !format.startsWith("streams") ? ["Go"] : [] },
  );

  across(cluster, "a large event", async (c, from, to) => {
    const room = unique("room");
    const clients = [await c.client(from, { rooms: [room] }), await c.client(to, { rooms: [room] })];
    const [text, binary] = ["é".repeat(500_000), Buffer.alloc(900_000, 7)];
    await from.do({ do: "emit", to: [room], event: "news", args: [text, bytes(binary)] });
    await c.fence(from, ...clients);
    for (const { log } of clients) assert.deepEqual(log, [["news", text, binary]]);
  });
});
