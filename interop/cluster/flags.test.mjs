import assert from "node:assert/strict";
import { across, mainFormats, suite, target, unique, within } from "./harness.mjs";

// A poller is a client over polling that asks for what there is only when it is told to.
// It returns the packets, and how the answer was compressed.
async function poller(server, rooms) {
  const url = `http://127.0.0.1:${server.port}/socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1));
  await (await fetch(`${url}&sid=${sid}`, { method: "POST", body: `40${JSON.stringify({ rooms })}` })).text();
  const poll = async () => {
    const res = await within("an answer to a poll", fetch(`${url}&sid=${sid}`, { headers: { "Accept-Encoding": "gzip" } }));
    return { packets: (await res.text()).split("\x1e"), encoding: res.headers.get("content-encoding") };
  };
  assert.match((await poll()).packets[0], /^40/);
  return poll;
}

suite("how events are sent", mainFormats, (cluster) => {
  across(cluster, "volatile: to who can be sent to, and to nobody else", async (c, from, to) => {
    const room = unique("room");
    const ready = await c.client(to, { rooms: [room] });
    const poll = await poller(to, [room]);
    // Node's server can send when the last write is done, which a client can't see.
    do {
      await from.do({ do: "emit", to: [room], volatile: true, event: "news", args: ["volatile"] });
      await c.fence(from, ready);
    } while (ready.log.length === 0);
    await from.do({ do: "emit", to: [room], event: "news", args: ["lasting"] });
    await c.fence(from, ready);
    if (c.options.format === "streams") { // what is volatile goes beside the stream, and may come later than what was emitted behind it
      const [volatile, others] = [true, false].map((is) => ready.log.filter(([, arg]) => (arg === "volatile") === is));
      assert.ok(volatile.length > 0);
      assert.deepEqual(others, [["news", "lasting"]]);
    } else {
      assert.deepEqual(ready.log, [["news", "volatile"], ["news", "lasting"]]);
    }
    const got = [];
    while (!got.includes('42["news","lasting"]')) got.push(...(await poll()).packets);
    assert.deepEqual(got.filter((packet) => packet.includes("volatile")), []);
  });

  // Node's server, as of engine.io 6.6, minds the flag when it answers polls only.
  across(cluster, "not compressed, in answers to polls", async (c, from, to) => {
    const room = unique("room");
    await c.client(to, { rooms: [room] });
    const poll = await poller(to, [room]);
    for (const [compress, encoding] of [[false, null], [undefined, "gzip"], [false, null]]) {
      await from.do({ do: "emit", to: [room], compress, event: "news", args: ["text ".repeat(2000)] });
      const got = await poll();
      assert.deepEqual([got.packets.length, got.encoding], [1, encoding]);
    }
  });

  across(
    cluster,
    "not compressed, over WebSocket",
    async (c, from, to) => {
      const room = unique("room");
      const client = await c.client(to, { rooms: [room], perMessageDeflate: { threshold: 0 } });
      const { ws } = client.io.engine.transport;
      assert.equal(ws.extensions.split(";")[0], "permessage-deflate");
      const read = async (compress) => {
        const before = ws._socket.bytesRead;
        await from.do({ do: "emit", to: [room], compress, event: "news", args: ["text ".repeat(2000)] });
        await c.fence(from, client);
        return ws._socket.bytesRead - before;
      };
      const [small, large] = [await read(), await read(false)];
      assert.ok(small < 2_000 && large > 10_000, `${small} bytes compressed, ${large} not`);
    },
    { receivers: target === "sio" ? ["Go"] : [] },
  );
});
