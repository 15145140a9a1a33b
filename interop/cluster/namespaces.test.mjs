import assert from "node:assert/strict";
import { across, eventually, mainFormats, suite, test, unique } from "./harness.mjs";

let last = 0;

suite("namespaces", mainFormats, (cluster) => {
  across(cluster, "a room of one name in two namespaces", async (c, from, to) => {
    const room = unique("room");
    const [a, b] = [await c.client(to, { rooms: [room] }), await c.client(to, { nsp: "/other", rooms: [room] })];
    await from.do({ do: "emit", to: [room], event: "news", args: [1] }, { do: "emit", nsp: "/other", to: [room], event: "news", args: [2] });
    await c.fence(from, a);
    await c.fence(from, b);
    assert.deepEqual([a.log, b.log], [[["news", 1]], [["news", 2]]]);
    const fetch = async (nsp) => (await from.do({ do: "fetch", nsp, to: [room] })).map(({ id }) => id);
    assert.deepEqual([await fetch("/"), await fetch("/other")], [[a.id], [b.id]]);
  });

  across(cluster, "a dynamic namespace comes, goes, and comes again", async (c, from, to) => {
    const nsp = `/dyn-${++last}`;
    const here = await c.client(from, { nsp });
    await c.subscribed(nsp, 1);
    const who = async () => (await from.do({ do: "fetch", nsp })).map(({ id }) => id).sort();
    assert.deepEqual(await who(), [here.id]);
    for (let i = 0; i < 3; i++) {
      const there = await c.client(to, { nsp });
      await c.subscribed(nsp, 2);
      here.log.length = there.log.length = 0;
      await from.do({ do: "emit", nsp, event: "news", args: [1] }, { do: "emit", nsp, to: [there.id], event: "news", args: [2] });
      await c.fence(from, here, there);
      assert.deepEqual([here.log, there.log], [[["news", 1]], [["news", 1], ["news", 2]]]);
      assert.deepEqual(await who(), [here.id, there.id].sort());
      there.once("question", (ack) => ack("there"));
      here.once("question", (ack) => ack("here"));
      const { answers, error } = await from.do({ do: "ask", nsp, event: "question" });
      assert.deepEqual([answers.sort(), error], [["here", "there"], ""]);
      there.io._close();
      await eventually("one has left", async () => (await who()).length === 1);
    }
  });

  // Whoever is asked for a namespace that only some servers have does not wait for others.
  test(cluster, "namespaces that only some servers have", async (t, c) => {
    for (const [nsp, server] of [["/node", c.n1], [c.g1.kind === "Go" ? "/go" : "/node", c.g1]]) {
      const room = unique("room");
      const client = await c.client(server, { nsp, rooms: [room] });
      client.once("question", (ack) => ack("yes"));
      assert.deepEqual((await server.do({ do: "fetch", nsp, to: [room] })).map(({ id }) => id), [client.id]);
      assert.deepEqual(await server.do({ do: "ask", nsp, to: [room], event: "question" }), { answers: ["yes"], error: "" });
      const { answers, error } = await server.do({ do: "inquire", nsp, event: "who" });
      assert.equal(error, "");
      assert.equal(answers.length, c.g1.kind === "Go" ? 1 : 3);
    }
  });
});
