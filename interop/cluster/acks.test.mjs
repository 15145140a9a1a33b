import assert from "node:assert/strict";
import { across, patiently, suite, unique } from "./harness.mjs";

const all = ["classic", "classic, answers to one", "classic, answers to one from Go", "classic, answers to one from Node", "sharded", "streams"];

suite("broadcasts with an ack", all, (cluster, format) => {
  // crowd returns clients of both servers that are in a room, and answer in their ways.
  async function crowd(c, from, to, ...answers) {
    const room = unique("room");
    const clients = await Promise.all(answers.map((_, i) => c.client(i === 0 ? from : to, { rooms: [room] })));
    clients.forEach((client, i) => client.on("question", (asked, ack) => answers[i](ack, asked)));
    return { room, clients };
  }

  across(cluster, "the answers of all", async (c, from, to) => {
    const { room, clients } = await crowd(c, from, to, (ack, asked) => ack(["a", asked]), (ack, asked) => ack(["b", asked]), (ack, asked) => ack(["c", asked]));
    await c.client(to);
    const { answers, error } = await from.do({ do: "ask", to: [room], event: "question", args: [{ what: 1 }] });
    assert.equal(error, "");
    assert.deepEqual(answers.sort(), [["a", { what: 1 }], ["b", { what: 1 }], ["c", { what: 1 }]]);
    for (const { log } of clients) assert.equal(log.length, 1);
  });

  across(cluster, "one is silent: the answers of the others, and an error", async (c, from, to) => {
    const { room } = await crowd(c, from, to, (ack) => ack("a"), (ack) => ack("b"), () => {});
    const { answers, error } = await patiently(2, (timeout) => from.do({ do: "ask", timeout, to: [room], event: "question", args: [1] }));
    assert.notEqual(error, "");
    assert.deepEqual(answers.sort(), ["a", "b"]);
  });

  across(cluster, "nobody is asked", async (c, from) => {
    assert.deepEqual(await from.do({ do: "ask", to: [unique("room")], event: "question", args: [1] }), { answers: [], error: "" });
  });

  if (format.includes("from")) return;
  across(cluster, "answers in bytes, at depth, of several values and of none", async (c, from, to) => {
    const deep = { list: [Buffer.from([1, 2]), { x: Buffer.alloc(0) }] };
    const { room } = await crowd(c, from, to, (ack) => ack(deep));
    const elsewhere = await c.client(to, { rooms: [room] });
    const ask = { do: "ask", to: [elsewhere.id], event: "question", args: [1] };
    for (const [sent, got] of [
      [[deep], deep],
      [[Buffer.from("bare")], Buffer.from("bare")],
      [["first", "second"], "first"],
      [["é😀"], "é😀"],
      [[null], null],
      [[0], 0],
    ]) {
      elsewhere.once("question", (_, ack) => ack(...sent));
      assert.deepEqual(await from.do(ask), { answers: [got], error: "" });
    }
    elsewhere.once("question", (_, ack) => ack());
    const { answers, error } = await from.do(ask);
    assert.deepEqual([answers.length, answers[0] ?? null, error], [1, null, ""]);
  });

  across(cluster, "a question of RemoteSocket", async (c, from, to) => {
    const { clients } = await crowd(c, from, to, (ack) => ack("no"), (ack, asked) => ack({ asked }));
    assert.deepEqual(await from.do({ do: "remote", to: [clients[1].id], action: "ask", event: "question", args: ["?"] }), { asked: "?" });
  });
});
