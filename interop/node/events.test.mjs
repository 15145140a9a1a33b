import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ask, collect, connected, next, settled, start, suite, target, test, upgraded } from "./harness.mjs";

let server;
before(async () => (server = await start()));
after(() => server.stop());

const values = {
  "no arguments": [],
  "null, true, false": [null, true, false],
  "numbers": [0, -1, 1.5, 1e21, 5e-324, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  "strings": ["", "ascii", "ünïcödé", "日本語", "🎉👩‍👩‍👧", '"quotes" \\ / \b\f\n\r\t', "\u0000\u001e\u007f\u2028\u2029", "<b>&amp;", "4bAAAA", "a".repeat(5000)],
  "arrays": [[], [[]], [1, [2, [3, ["x"]]]]],
  "objects": [{}, { a: { b: { c: [null] } } }, { "": 1, "ключ 🔑": 2, "a\nb": 3, constructor: 4, toString: null }],
  "the look of a placeholder": [{ _placeholder: true, num: 0 }, { _placeholder: false }, { num: 1 }],
  "many": Array.from({ length: 100 }, (_, i) => i),
  "nested 600 deep": [Array.from({ length: 600 }).reduce((v) => [v], { x: "in the middle" })],
};

const bytes = (...b) => Buffer.from(b);
const large = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256));
const binaries = {
  "one": [bytes(1, 2, 3)],
  "empty": [bytes()],
  "every byte": [Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
  "between other arguments": ["before", bytes(0), { after: true }],
  "ten attachments": Array.from({ length: 10 }, (_, i) => bytes(i)),
  "nested in maps and arrays": [{ file: { name: "ü.png", parts: [bytes(1), [bytes(2), { deep: bytes(3) }]] } }, [[bytes(4)]], bytes(5)],
  "beside the look of a placeholder": [{ _placeholder: "true", num: "0" }, bytes(1)],
  "large": [large, { again: large }],
};

suite("events", (v) => {
  for (const [what, args] of Object.entries({ ...values, ...binaries })) {
    test(what, async (t) => {
      const socket = await connected(t.client(v, server));
      const echo = next(socket, "echo");
      socket.emit("echo", ...args);
      assert.deepEqual(await echo, args, "as an event");
      assert.deepEqual(await ask(socket, "echo:ack", ...args), args, "as an ack");
    });
  }

  test("ArrayBuffer and typed arrays arrive as bytes", async (t) => {
    const socket = await connected(t.client(v, server));
    const data = Uint8Array.from([9, 8, 7]);
    assert.deepEqual(await ask(socket, "echo:ack", data, data.buffer), [Buffer.from(data), Buffer.from(data)]);
  });

  test("an event that is named by a number", async (t) => {
    const socket = await connected(t.client(v, server));
    assert.deepEqual(await ask(socket, 7, "text", 1), ["text", 1]);
    assert.deepEqual(await ask(socket, 7.0, bytes(3)), [bytes(3)]);
    assert.deepEqual(await ask(socket, "7"), []);
  });

  test("acks of many events at once", async (t) => {
    const socket = await connected(t.client(v, server));
    const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => ask(socket, "echo:ack", i, i % 3 ? "text" : bytes(i % 256))));
    assert.deepEqual(answers, Array.from({ length: 300 }, (_, i) => [i, i % 3 ? "text" : bytes(i % 256)]));
  });

  test("the server asks, the client answers", async (t) => {
    const socket = await connected(t.client(v, server));
    socket.on("question", (question, ack) => ack({ [question]: bytes(4, 2) }));
    assert.deepEqual(await ask(socket, "ask", 5000, "really?"), [{ answer: { "really?": bytes(4, 2) } }]);
  });

  test("the server asks in vain", async (t) => {
    const socket = await connected(t.client(v, server));
    const answers = [];
    socket.on("question", (question, ack) => answers.push(() => ack("too late")));
    assert.deepEqual(await ask(socket, "ask", 50, "anyone?"), [{ error: "timeout" }]);
    for (const answer of answers) answer(); // unknown by now, and ignored
    assert.deepEqual(await ask(socket, "echo:ack", "alive"), ["alive"]);
  });

  test("the server asks a client that asks the server first", async (t) => {
    const socket = await connected(t.client(v, server));
    let asked;
    socket.on("question", (question, ack) => {
      asked = ask(socket, "echo:ack", "hm");
      asked.then(() => ack("sure"));
    });
    // sio handles the events of a socket in turn: the client's question waits
    // behind the handler that waits for the client, until that gives up.
    const outcome = target === "sio" ? { error: "timeout" } : { answer: "sure" };
    assert.deepEqual(await ask(socket, "ask", 200, "sure?"), [outcome]);
    assert.deepEqual(await asked, ["hm"]);
  });

  if (v.version !== "4.0") {
    test("timeout().emitWithAck", async (t) => {
      const socket = await connected(t.client(v, server));
      assert.equal(await socket.timeout(5000).emitWithAck("echo:ack", "in time"), "in time");
      await assert.rejects(socket.timeout(50).emitWithAck("nobody handles this"), { message: "operation has timed out" });
      assert.equal(await socket.timeout(5000).emitWithAck("echo:ack", "still fine"), "still fine");
    });
  }

  if (target === "sio") {
    // The reference has no such thing: a handler that throws ends the process.
    test("a handler that fails answers, and tells only what it means to", async (t) => {
      const socket = await connected(t.client(v, server));
      const told = { message: "no such thing", data: { thing: bytes(1, 2) } };
      assert.deepEqual(await ask(socket, "fail", "error"), [{ error: told }]);
      const generic = await ask(socket, "fail", "otherwise");
      assert.deepEqual(Object.keys(generic[0].error), ["message"]);
      assert.doesNotMatch(generic[0].error.message, /42/);
      assert.deepEqual(await ask(socket, "fail", "panic"), generic);
      assert.deepEqual(await ask(socket, "echo:ack", "alive"), ["alive"]);
    });
  }

  test("numbered messages both ways arrive once and in order", async (t) => {
    const socket = t.client(v, server);
    // The next ten leave when the first of the last ten is back, so that they are
    // under way all through the upgrade, and for another thousand after it.
    let [sent, counted, until] = [0, 0, v.mode === "upgrade" ? Infinity : 1000];
    const pump = () => {
      if (sent >= until) return;
      for (let i = 0; i < 10; i++) socket.emit("number", sent++);
      socket.emit("count", counted, 10);
      counted += 10;
    };
    socket.on("number", (i) => i % 10 === 0 && pump());
    const numbers = collect(socket, "number", (got) => got.length >= until && got.length === sent);
    const counts = collect(socket, "count", (got) => got.length >= until && got.length === counted);
    await connected(socket);
    pump();
    if (v.mode === "upgrade") {
      await upgraded(socket);
      until = sent + 1000;
    }
    assert.deepEqual(await numbers, Array.from({ length: sent }, (_, i) => i));
    assert.deepEqual(await counts, Array.from({ length: counted }, (_, i) => i));
  });

  test("a thousand messages at once, both ways", async (t) => {
    const socket = t.client(v, server);
    const numbers = collect(socket, "number", (got) => got.length === 1000);
    const counts = collect(socket, "count", (got) => got.length === 1000);
    await connected(socket);
    socket.emit("count", 0, 1000);
    for (let i = 0; i < 1000; i++) socket.emit("number", i);
    const wanted = Array.from({ length: 1000 }, (_, i) => i);
    assert.deepEqual(await numbers, wanted);
    assert.deepEqual(await counts, wanted);
  });

  test("text and binary of one event stay together among many", async (t) => {
    const manager = t.manager(v, server);
    const [root, chat] = [manager.socket("/"), manager.socket("/chat")];
    await Promise.all([root, chat].map(connected));
    const wanted = (i) => [{ i, tag: Buffer.from(`a${i}`) }, `text ${i}`, [Buffer.from(`b${i}`)]];
    await Promise.all(
      [root, chat].map(async (socket) => {
        const room = `storm ${socket.id}`;
        await ask(socket, "join", [room]);
        const got = [];
        const all = next(socket, "storm", (...args) => got.push(args) === 400);
        const acks = Array.from({ length: 100 }, (_, i) => ask(socket, "echo:ack", ...wanted(i)));
        assert.deepEqual(await ask(socket, "storm", room, 400), [400]);
        await all;
        got.sort(([a], [b]) => a.i - b.i); // several goroutines emit them
        assert.deepEqual(got, Array.from({ length: 400 }, (_, i) => wanted(i)));
        assert.deepEqual(await Promise.all(acks), Array.from({ length: 100 }, (_, i) => wanted(i)));
      }),
    );
    await settled(v, root);
  });
});
