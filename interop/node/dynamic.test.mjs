import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ask, collect, connected, next, start, suite, target, test } from "./harness.mjs";

// refused resolves to the error that a client is refused with.
async function refused(socket) {
  await assert.rejects(connected(socket), (err) => ((socket.refusal = err), true));
  return socket.refusal;
}

suite("dynamic namespaces", (v) => {
  let server;
  before(async () => (server = await start({ "max-client-namespaces": 3 })));
  after(() => server.stop());

  test("a name that matches becomes a namespace, with its part", async (t) => {
    const socket = await connected(t.client(v, server, { nsp: "/tenant-42" }));
    assert.deepEqual(await ask(socket, "where"), [["/tenant-42", "42"]]);
    assert.deepEqual(await ask(socket, "echo:ack", 1, Buffer.from("x")), [1, Buffer.from("x")]);
  });

  test("what is emitted in the connect handler arrives", async (t) => {
    const socket = t.client(v, server, { nsp: "/tenant-42", auth: { a: 1 } });
    const welcome = collect(socket, "welcome", (values) => values.length === 2);
    await connected(socket);
    assert.deepEqual(await welcome, [1, 2]);
    assert.deepEqual((await ask(socket, "whoami"))[0].auth, { a: 1 });
  });

  test("a function decides too", async (t) => {
    const socket = await connected(t.client(v, server, { nsp: "/dyn-7" }));
    assert.deepEqual(await ask(socket, "echo:ack", "fine"), ["fine"]);
    assert.equal((await refused(t.client(v, server, { nsp: "/dyn-x" }))).message, "Invalid namespace");
  });

  test("names that do not match are refused", async (t) => {
    for (const nsp of ["/tenant-", "/tenant-a/b", "/tenant-{id}", "/Tenant-a", "/tenant", "/__proto__", "/x/tenant-a"]) {
      const err = await refused(t.client(v, server, { nsp }));
      assert.equal(err.message, "Invalid namespace", nsp);
      assert.equal(err.data, undefined);
    }
  });

  test("__proto__ and constructor are names of tenants", async (t) => {
    for (const id of ["__proto__", "constructor"]) {
      const socket = await connected(t.client(v, server, { nsp: `/tenant-${id}` }));
      assert.deepEqual(await ask(socket, "where"), [[`/tenant-${id}`, id]]);
    }
  });

  test("a query is part of the name", async (t) => {
    const socket = t.client(v, server, { nsp: "/tenant-q?x=1" });
    if (target === "reference") { // by its \w+
      assert.equal((await refused(socket)).message, "Invalid namespace");
      return;
    }
    await connected(socket);
    assert.deepEqual(await ask(socket, "where"), [["/tenant-q?x=1", "q?x=1"]]);
  });

  test("the connect handler decides", async (t) => {
    const socket = t.client(v, server, { nsp: "/tenant-locked" });
    assert.equal((await refused(socket)).message, "not authorized");
  });

  test("rooms and broadcasts stay within a namespace", async (t) => {
    const [a1, a2, b] = await Promise.all(["/tenant-a", "/tenant-a", "/tenant-b"].map((nsp) => connected(t.client(v, server, { nsp }))));
    b.on("news", () => assert.fail("heard in another namespace"));
    a1.on("news", () => assert.fail("the sender hears it"));
    for (const socket of [a1, a2, b]) assert.deepEqual(await ask(socket, "join", ["room"]), [["lobby", "room"]]);
    for (const to of [[], ["room"], ["lobby"]]) {
      const heard = next(a2, "news");
      await ask(a1, "send", { by: "socket", to, except: [] }, "news", to);
      assert.deepEqual(await heard, [to]);
    }
    assert.deepEqual(await ask(b, "echo:ack", 1), [1]); // nothing was under way to it
  });

  test("emits from outside reach one, one's room, or all", async (t) => {
    const monitor = await t.monitor(server);
    const sockets = await Promise.all(["/tenant-x", "/tenant-y"].map((nsp) => connected(t.client(v, server, { nsp }))));
    const [x, y] = sockets;
    const heard = [[], []];
    sockets.forEach((socket, i) => socket.on("told", (what) => heard[i].push(what)));
    await ask(monitor, "tell", "/tenant-x");
    await ask(monitor, "tell:lobby", "/tenant-y");
    await ask(monitor, "tell", "/tenant-nobody");
    await ask(monitor, "tell:all");
    for (const socket of sockets) await ask(socket, "echo:ack");
    assert.deepEqual(heard, [["/tenant-x", "all"], ["lobby", "all"]]);
  });

  test("a namespace that was left by all is there again, with new rooms", async (t) => {
    const monitor = await t.monitor(server);
    for (let i = 0; i < 5; i++) {
      const socket = await connected(t.client(v, server, { nsp: "/tenant-again" }));
      assert.deepEqual(await ask(socket, "join", [`room ${i}`]), [["lobby", `room ${i}`]]);
      const left = next(monitor, "left", ({ nsp }) => nsp === "/tenant-again");
      const told = next(socket, "told");
      await ask(monitor, "tell:lobby", "/tenant-again");
      assert.deepEqual(await told, ["lobby"]);
      socket.disconnect();
      const [{ reason, id }] = await left;
      assert.equal(reason, "client namespace disconnect");
      assert.ok(id);
    }
  });

  test("several on one connection", async (t) => {
    const manager = t.manager(v, server);
    const names = ["/tenant-1", "/tenant-2", "/dyn-3"];
    const sockets = await Promise.all(names.map((nsp) => connected(manager.socket(nsp))));
    for (const socket of sockets) assert.deepEqual(await ask(socket, "echo:ack", socket.nsp), [socket.nsp]);
    if (target === "sio") {
      const fourth = manager.socket("/tenant-4");
      assert.equal((await refused(fourth)).message, "too many namespaces");
      await connected(manager.socket("/chat")); // one that is always there counts for nothing
      sockets[0].disconnect();
      await connected(fourth);
    }
  });

  test("thrown out and back", async (t) => {
    const socket = await connected(t.client(v, server, { nsp: "/tenant-out" }));
    const gone = next(socket, "disconnect");
    socket.emit("bye", false);
    assert.equal((await gone)[0], "io server disconnect");
    await connected(socket);
    assert.deepEqual(await ask(socket, "where"), [["/tenant-out", "out"]]);
  });
});
