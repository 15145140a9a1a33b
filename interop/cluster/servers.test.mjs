import assert from "node:assert/strict";
import { across, suite, unique } from "./harness.mjs";
import { bytes } from "./values.mjs";

suite("events between servers", ["classic", "classic, answers to one", "sharded", "streams"], (cluster, format) => {
  const others = (c, from) => [c.n1, c.n2, c.g1, c.g2].filter((s) => s !== from);
  const about = (token) => (...args) => args[0]?.[0] === token;

  across(cluster, "serverSideEmit, in order, and not to itself", async (c, from, to) => {
    const token = unique("note");
    await from.do(...[1, 2, 3].map((n) => ({ do: "tell", event: "note", args: [[token], n, { é: [null] }] })));
    for (const server of others(c, from)) {
      for (const n of [1, 2, 3]) {
        const { args, nsp } = await server.reported("note", about(token));
        assert.deepEqual([args, nsp], [[[token], n, { é: [null] }], "/"]);
      }
    }
    await to.do({ do: "tell", event: "note", args: [[`${token} back`]] });
    await from.reported("note", about(`${token} back`));
    assert.deepEqual(from.noted("note").filter(({ args }) => about(token)(...args)), []);
  });

  across(cluster, "serverSideEmit with an ack: each other server's answer", async (c, from) => {
    const { answers, error } = await from.do({ do: "inquire", event: "who" });
    assert.equal(error, "");
    assert.deepEqual(answers.sort(), others(c, from).map(({ name }) => name).sort());
    for (const value of [null, 0, "", "é😀", [], { a: [1, { b: null }] }]) {
      assert.deepEqual(await from.do({ do: "inquire", event: "echo", args: [value] }), { answers: [value, value, value], error: "" });
    }
  });

  across(cluster, "serverSideEmit, in another namespace", async (c, from, to) => {
    const token = unique("note");
    await from.do({ do: "tell", nsp: "/other", event: "note", args: [[token]] });
    assert.equal((await to.reported("note", about(token))).nsp, "/other");
    const { answers } = await from.do({ do: "inquire", nsp: "/other", event: "who" });
    assert.equal(answers.length, 3);
  });

  // In the classic format this is JSON, which has no bytes: a Node server gets what
  // JSON.stringify makes of a Buffer. A Go server makes bytes of that.
  across(cluster, "serverSideEmit: bytes", async (c, from, to) => {
    const token = unique("note");
    const as = ({ kind }) => (format.startsWith("classic") && kind === "Node" ? (list) => ({ type: "Buffer", data: list }) : Buffer.from);
    await from.do({ do: "tell", event: "note", args: [[token], bytes([1, 2]), { deep: [bytes([])] }] });
    const { args } = await to.reported("note", about(token));
    assert.deepEqual(args, [[token], as(to)([1, 2]), { deep: [as(to)([])] }]);
    const { answers, error } = await from.do({ do: "inquire", event: "echo", args: [bytes([255])] });
    assert.deepEqual([answers, error], [Array(3).fill(as(from)([255])), ""]);
  });
});

// In other formats than the classic one Node's limit is five seconds, whatever is asked for.
suite("silent servers", ["classic", "sharded", "streams"], (cluster, format) => {
  across(
    cluster,
    "serverSideEmit with an ack: one answers, and an error",
    async (c, from, to) => {
      const { answers, error } = await from.do({ do: "inquire", timeout: 2_000, event: "silent unless", args: [to.name] });
      assert.deepEqual(answers, [to.name]);
      assert.notEqual(error, "");
    },
    format !== "classic" ? { senders: ["Go"] } : {},
  );
}, { timeout: 2_000 });
