import assert from "node:assert/strict";
import { once } from "node:events";
import { Gate } from "./gate.mjs";
import { across, eventually, suite, target, test, unique, within } from "./harness.mjs";
import { bytes } from "./values.mjs";

const reconnects = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 50 };

// cuttable returns a client of a server by a gate, who is in a room and has data, and has got
// an event: without one it has no offset.
async function cuttable(t, c, server, options = {}) {
  const gate = await Gate.open(t, server);
  const room = unique("room");
  const client = await c.client(Object.create(server, { port: { value: gate.port } }), {
    rooms: [room],
    data: { user: "Ada", list: [1, { deep: "é" }] },
    ...reconnects,
    ...options,
  });
  await c.fence(server, client);
  return { gate, room, client };
}

// heard returns what a client has, without offsets.
const heard = ({ log }) => log.map((args) => (typeof args.at(-1) === "string" && args.length > 2 ? args.slice(0, -1) : args));

// kept waits until the record of a client is there: a Node server writes it when it has lost
// the client.
const kept = (c, { _pid }) => eventually(`the record of ${_pid}`, async () => (await c.redis.command("EXISTS", `sio:session:${_pid}`)) === 1);

// away cuts a client off.
async function away(c, { gate, client }) {
  const lost = within("disconnect", once(client, "disconnect"));
  gate.cut();
  await lost;
  await kept(c, client);
}

// back has a client come to a server.
async function back({ gate, client }, server) {
  const connected = within(`a client comes to ${server.name}`, once(client, "connect"));
  gate.lead(server);
  await connected;
}

// missed has servers emit one after the other, and returns what a client in the room is to
// get of it.
async function missed(c, room, witness, ...servers) {
  const due = [];
  for (const s of servers) {
    const from = s.name;
    await s.do(
      { do: "emit", to: [room], event: "text", args: [from, { n: 1 }] },
      { do: "emit", event: "all", args: [from, null] },
      { do: "emit", to: [unique("elsewhere")], event: "stranger", args: [from, 0] },
      { do: "emit", to: [room], except: [room], event: "stranger", args: [from, 0] },
      { do: "emit", to: [room], event: "binary", args: [from, { data: bytes([0, 1, 255]) }, bytes([7])] },
      { do: "emit", to: [room], volatile: true, event: "volatile", args: [from, 0] },
    );
    await c.fence(s, witness); // it is in the stream
    due.push(["text", from, { n: 1 }], ["all", from, null], ["binary", from, { data: Buffer.from([0, 1, 255]) }, Buffer.from([7])]);
  }
  return due;
}

suite(
  "recovery",
  ["streams"],
  (cluster) => {
    // A Node server does not notice at once that a client over polling is gone.
    for (const [transports, senders] of [
      ["websocket", ["Node", "Go"]],
      ["polling", ["Go"]],
    ]) {
      const cutOff = async (c, from, to, t) => {
        const it = await cuttable(t, c, from, { transports: [transports] });
        const { client, room } = it;
        const { id } = client;
        const witness = await c.client(to);
        await from.do({ do: "emit", to: [room], event: "before", args: [1, 2] });
        await c.fence(from, client);
        await away(c, it);
        const due = await missed(c, room, witness, c.n1, c.g1, c.n2, c.g2);
        await back(it, to);
        assert.equal(client.recovered, true);
        assert.equal(client.id, id);
        await to.do({ do: "emit", to: [room], event: "after", args: [3, 4] });
        await c.fence(to, client);
        // Servers in JavaScript replay what is volatile.
        const got = heard(client).filter(([event]) => to.kind === "Go" || event !== "volatile");
        assert.deepEqual(got, [["before", 1, 2], ...due, ["after", 3, 4]]);
        const [socket] = await c.g1.do({ do: "fetch", to: [id] });
        assert.deepEqual(socket.data, { user: "Ada", list: [1, { deep: "é" }] });
        assert.deepEqual(socket.rooms.toSorted(), [id, room].toSorted());
      };
      across(cluster, `a client that was cut off, by ${transports}`, cutOff, { senders });
    }

    across(cluster, "a client whose server was killed", async (c, from, to, t) => {
      // A server in JavaScript takes its clients with it.
      const it = await cuttable(t, c, from);
      const { client, room } = it;
      const { id } = client;
      const witness = await c.client(to);
      const lost = within("disconnect", once(client, "disconnect"));
      await c.kill(from);
      await lost;
      const due = await missed(c, room, witness, to);
      await back(it, to);
      assert.equal(client.recovered, from.kind === "Go");
      if (from.kind === "Go") {
        assert.equal(client.id, id);
        await c.fence(to, client);
        assert.deepEqual(heard(client).filter(([event]) => to.kind === "Go" || event !== "volatile"), due);
      }
      await c.add(from.name, from.client);
    });

    across(cluster, "there and back again", async (c, from, to, t) => {
      const it = await cuttable(t, c, from);
      const { client, room } = it;
      const { id } = client;
      const witness = await c.client(to);
      const all = [];
      for (const server of [to, from, to]) {
        await away(c, it);
        all.push(...(await missed(c, room, witness, c.n1, c.g1)));
        await back(it, server);
        assert.equal(client.recovered, true, server.name);
        assert.equal(client.id, id);
        await c.fence(server, client);
      }
      assert.deepEqual(heard(client).filter(([event]) => event !== "volatile"), all);
    });

    const fromEmitter = async (t, c) => {
      const emitter = await c.emitter();
      t.after(() => emitter.stop());
      for (const [from, to] of [[c.g1, c.g2], [c.n1, c.n2], [c.g1, c.n1], [c.n1, c.g1]]) {
        const it = await cuttable(t, c, from);
        const { client, room } = it;
        const witness = await c.client(to);
        await away(c, it);
        const due = await missed(c, room, witness, emitter);
        await back(it, to);
        assert.equal(client.recovered, true);
        await c.fence(to, client);
        assert.deepEqual(heard(client), due);
      }
    };
    if (target === "sio") test(cluster, "what a program emits that only sends", fromEmitter);

    // Servers in JavaScript lose some when they have nothing to read for a while.
    const entries = async (t, c) => {
      const readers = await Promise.all([c.client(c.g1), c.client(c.g2)]);
      const n = 200;
      const senders = [c.n1, c.g1, c.n2, c.g2];
      for (let i = 0; i < n; i += 20) {
        await Promise.all(
          senders.map((s) => s.do(...Array.from({ length: 20 }, (_, j) => ({ do: "emit", event: "count", args: [s.name, i + j] })))),
        );
        for (const s of senders) await c.fence(s, ...readers); // the stream does not fall behind
      }
      for (const { log } of readers) {
        for (const { name } of senders) {
          assert.deepEqual(log.filter(([, from]) => from === name).map(([, , i]) => i), Array.from({ length: n }, (_, i) => i));
        }
      }
      const [a, b] = readers.map(({ log }) => log.map((args) => args.at(-1)));
      assert.deepEqual(a, b); // the same order on both
      assert.deepEqual(a, a.toSorted(byOffset));
    };
    if (target === "sio") test(cluster, "entries that come between reads", entries);
  },
  { recovery: true },
);

function byOffset(x, y) {
  const [[a, b], [c, d]] = [x, y].map((offset) => offset.split("-").map(Number));
  return a - c || b - d;
}
