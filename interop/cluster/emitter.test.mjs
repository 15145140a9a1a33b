import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before } from "node:test";
import { Emitter } from "@socket.io/redis-emitter";
import { createClient } from "redis";
import { suite, target, test, unique, within } from "./harness.mjs";
import { bytes, untagged } from "./values.mjs";

// The emitter of JavaScript, behind the commands that that of Go obeys.
class NodeEmitter {
  static async start(c) {
    const client = await createClient({ url: `redis://${c.redis.addr}` }).connect();
    return new NodeEmitter(client, new Emitter(client, { key: c.prefix }));
  }

  name = "the emitter";

  constructor(client, emitter) {
    this.client = client;
    this.emitter = emitter;
  }

  async do(...run) {
    for (const { do: what, nsp, to = [], except = [], volatile, compress, event, args = [], rooms, close } of run) {
      let e = nsp ? this.emitter.of(nsp) : this.emitter;
      if (what === "tell") {
        e.serverSideEmit(event, ...untagged(args));
        continue;
      }
      if (to.length > 0) e = e.to(to);
      if (except.length > 0) e = e.except(except);
      if (volatile) e = e.volatile;
      if (compress === false) e = e.compress(false);
      if (what === "emit") e.emit(event, ...untagged(args));
      if (what === "join") e.socketsJoin(rooms);
      if (what === "leave") e.socketsLeave(rooms);
      if (what === "disconnect") e.disconnectSockets(close);
    }
  }

  stop() {
    this.client.destroy();
  }
}

const emitters = { Node: (c) => NodeEmitter.start(c), ...(target === "sio" && { Go: (c) => c.emitter() }) };

for (const [language, start] of Object.entries(emitters)) {
  // That of JavaScript has no other format.
  suite(`the emitter in ${language}`, language === "Go" ? ["classic", "sharded", "streams", "streams, sharded"] : ["classic"], (cluster) => {
    let emitter;
    before(async () => (emitter = await start(cluster())));
    after(() => emitter?.stop());

    // everywhere returns a client of each server.
    const everywhere = (c, options) => Promise.all([c.n1, c.n2, c.g1, c.g2].map((server) => c.client(server, options)));

    test(cluster, "emits to all, rooms, ids, and not to others", async (t, c) => {
      const rooms = [unique("room"), unique("room"), unique("away")];
      const inside = await everywhere(c, { rooms: rooms.slice(0, 2) });
      const outside = await everywhere(c, { rooms: rooms.slice(1) });
      const news = (n, selection = {}) => ({ do: "emit", event: "news", args: [n, bytes([n])], ...selection });
      await emitter.do(
        news(1),
        news(2, { to: [rooms[0]] }),
        news(3, { to: rooms.slice(0, 2) }),
        news(4, { to: rooms.slice(0, 2), except: [rooms[2]] }),
        news(5, { to: [inside[0].id] }),
        news(6, { to: [inside[2].id, inside[3].id] }),
        news(7, { compress: false, except: [rooms[2]] }),
      );
      await c.fence(emitter, ...inside, ...outside);
      const heard = ({ log }) => log.map(([event, n, b]) => (assert.deepEqual([event, b], ["news", Buffer.from([n])]), n));
      assert.deepEqual(inside.map(heard), [[1, 2, 3, 4, 5, 7], [1, 2, 3, 4, 7], [1, 2, 3, 4, 6, 7], [1, 2, 3, 4, 6, 7]]);
      assert.deepEqual(outside.map(heard), Array(4).fill([1, 3]));
    });

    test(cluster, "emits in another namespace", async (t, c) => {
      const [here, there] = [await everywhere(c), await everywhere(c, { nsp: "/other" })];
      await emitter.do({ do: "emit", nsp: "/other", event: "news", args: [{ é: [null, 1.5] }] });
      await c.fence(emitter, ...there);
      await c.fence(emitter, ...here);
      for (const { log } of there) assert.deepEqual(log, [["news", { é: [null, 1.5] }]]);
      for (const { log } of here) assert.deepEqual(log, []);
    });

    test(cluster, "emits volatile events", async (t, c) => {
      const clients = await everywhere(c);
      do {
        await emitter.do({ do: "emit", volatile: true, event: "news" });
        await c.fence(emitter, ...clients);
      } while (clients.some(({ log }) => log.length === 0));
    });

    test(cluster, "has sockets join, leave and disconnect", async (t, c) => {
      const [room, more] = [unique("room"), unique("more")];
      const clients = await everywhere(c, { rooms: [room] });
      const stays = await everywhere(c);
      const who = async () => (await c.n1.do({ do: "fetch", to: [more] })).map(({ id }) => id).sort();
      await emitter.do({ do: "join", to: [room], except: [clients[0].id], rooms: [more] });
      await c.fence(emitter, ...clients);
      assert.deepEqual(await who(), clients.slice(1).map(({ id }) => id).sort());
      await emitter.do({ do: "leave", to: clients.slice(0, 2).map(({ id }) => id), rooms: [more] });
      await c.fence(emitter, ...clients);
      assert.deepEqual(await who(), clients.slice(2).map(({ id }) => id).sort());
      const left = clients.map((client) => within("a disconnect", once(client, "disconnect")));
      await emitter.do({ do: "disconnect", to: [room], close: true });
      await Promise.all(left);
      await c.fence(emitter, ...stays);
    });

    test(cluster, "sends events to servers", async (t, c) => {
      const token = unique("note");
      await emitter.do({ do: "tell", event: "note", args: [[token], { a: 1 }] }, { do: "tell", nsp: "/other", event: "note", args: [[token], 2] });
      for (const server of [c.n1, c.n2, c.g1, c.g2]) {
        const got = [];
        for (let i = 0; i < 2; i++) {
          const { nsp, args } = await server.reported("note", (about) => about?.[0] === token);
          got.push([nsp, args[1]]);
        }
        assert.deepEqual(got.sort(), [["/", { a: 1 }], ["/other", 2]]);
      }
    });
  });
}
