// A page of the Admin UI that is connected to a Go server sees the Node servers of the cluster, too.
import assert from "node:assert/strict";
import { once } from "node:events";
import { suite, test, within } from "./harness.mjs";

const body = (cluster) => {
  test(cluster, "the page sees servers and sockets in Go and in Node, and commands reach them", async (t, c) => {
    const servers = [c.g1, c.n1];
    await c.subscribed("/admin", servers.length);
    const page = (await c.client(c.g1)).io.socket("/admin");
    // heard returns when the page has been told of an event for which match is true.
    const heard = (what, event, match) =>
      within(what, new Promise((resolve) => {
        const look = (...args) => {
          if (!match(...args)) return;
          page.off(event, look);
          resolve(args);
        };
        page.on(event, look);
      }));
    const numbers = servers.map(({ name }) => heard(`the numbers of ${name}`, "server_stats", ({ serverId }) => serverId === name));
    page.connect();
    for (const told of numbers) assert.equal(typeof (await told)[0].clientsCount, "number");

    for (const server of servers) {
      const { name } = server;
      // The page knows no ids before it is told.
      const came = heard(`a client of ${name}`, "socket_connected", ({ nsp, rooms }) => nsp === "/" && rooms.includes(name));
      const client = await c.client(server, { rooms: [name] });
      const { id } = client;   // it has none any more when it has left
      const [told] = await came;
      assert.equal(told.id, id);
      assert.equal(told.transport, "websocket");

      const joined = heard("it has joined", "room_joined", (nsp, room, who) => room === "moved" && who === id);
      page.emit("join", "/", "moved", id);
      await joined;
      const asked = within("an event of the page's", once(client, "from the page"));
      page.emit("emit", "/", "moved", "from the page", 1);
      assert.deepEqual(await asked, [1]);

      const left = heard("it has left", "socket_disconnected", (nsp, who) => who === id);
      const sentAway = within("the client is sent away", once(client, "disconnect"));
      page.emit("_disconnect", "/", false, id);
      assert.deepEqual(await sentAway, ["io server disconnect", undefined]);
      await left;
    }
  });
};

suite("Admin UI", ["classic", "sharded", "streams"], body, { servers: ["n1", "g1"], admin: true });
