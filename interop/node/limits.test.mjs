import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ask, connected, next, settled, start, suite, test } from "./harness.mjs";

suite("maxPayload", (v) => {
  const max = 20_000;
  let server;
  before(async () => (server = await start({ "max-payload": max })));
  after(() => server.stop());

  // fits makes a string such that the first acked event with it is exactly max
  // bytes on the wire.
  const fits = (event, max) => "x".repeat(max - `420["${event}",""]`.length);

  test("a message of just the limit passes, and so do others beside it", async (t) => {
    const socket = await connected(t.client(v, server));
    await settled(v, socket);
    const data = fits("size", max);
    assert.deepEqual(await ask(socket, "size", data), [data.length]);
    assert.deepEqual(await ask(socket, "size", Buffer.alloc(max / 2)), [max / 2]);
  });

  test("one byte more ends the connection, and the client comes back", async (t) => {
    const socket = await connected(t.client(v, server));
    await settled(v, socket);
    const gone = next(socket, "disconnect");
    const { id } = socket;
    const data = fits("size", max + 1);
    const back = next(socket, "connect");
    socket.emit("size", data, () => assert.fail("it was accepted"));
    const [reason, details] = await gone;
    if (v.mode === "polling") {
      assert.equal(reason, "transport error");
      if (details) assert.equal(details.context?.status ?? details.description, 413); // not told by 4.0
    } else {
      assert.equal(reason, "transport close");
      if (details) assert.equal(details.context.code, 1009);
    }
    await back;
    assert.notEqual(socket.id, id);
    assert.deepEqual(await ask(socket, "echo:ack", "fine"), ["fine"]);
  });

  if (v.version === "4.8" && v.mode === "polling") {
    // Since 4.5 the client cuts its batches by the limit that the handshake tells.
    test("many messages that are too much together pass", async (t) => {
      const socket = await connected(t.client(v, server));
      const data = "x".repeat(max / 4);
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(socket, "size", data)));
      assert.deepEqual(answers, Array(20).fill([max / 4]));
    });
  }

  test("what the server sends may be larger", async (t) => {
    const socket = await connected(t.client(v, server));
    const large = next(socket, "large");
    socket.emit("large", 5 * max);
    assert.equal((await large)[0].length, 5 * max);
    assert.deepEqual(await ask(socket, "echo:ack", "fine"), ["fine"]);
  });
});

suite("heartbeat", (v) => {
  const interval = 100;
  let server, hasty;
  before(async () => {
    server = await start({ "ping-interval": interval, "ping-timeout": 10_000 });
    hasty = await start({ "ping-interval": interval, "ping-timeout": 1000 });
  });
  after(() => Promise.all([server.stop(), hasty.stop()]));

  test("keeps the connection over many intervals", async (t) => {
    const socket = await connected(t.client(v, server));
    socket.on("disconnect", (reason) => assert.fail(reason));
    const { id } = socket;
    const begin = performance.now();
    for (let i = 0; i < 5; i++) await next(socket.io.engine, "packet", ({ type }) => type === "ping");
    assert.ok(performance.now() - begin >= 4 * interval * 0.9, "pings come too fast");
    assert.deepEqual(await ask(socket, "echo:ack", "alive"), ["alive"]);
    assert.equal(socket.id, id);
    socket.off("disconnect");
  });

  test("a server that falls silent is noticed, and found again", async (t) => {
    const socket = await connected(t.client(v, hasty));
    await settled(v, socket);
    const gone = next(socket, "disconnect");
    hasty.signal("SIGSTOP");
    t.after(() => hasty.signal("SIGCONT"));
    assert.equal((await gone)[0], "ping timeout");
    const back = next(socket, "connect");
    hasty.signal("SIGCONT");
    await back;
    assert.deepEqual(await ask(socket, "echo:ack", "back"), ["back"]);
  });
});
