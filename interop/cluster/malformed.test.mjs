import assert from "node:assert/strict";
import { mainFormats, suite, target, test, unique } from "./harness.mjs";
import { entries, harmless, malformed } from "./malformed.mjs";

// Every message goes to every channel of the namespace.
async function publish(c, messages, channels) {
  for (const channel of channels) for (const m of messages) await c.publish(channel, m);
}

suite("malformed messages", mainFormats, (cluster, format) => {
  test(cluster, "of which Node servers do not die", async (t, c) => {
    const room = unique("room");
    const clients = await Promise.all([c.n1, c.n2, c.g1, c.g2].map((server) => c.client(server, { rooms: [room] })));
    for (const [channels, messages] of harmless(c, format, room)) await publish(c, messages, channels);
    for (const from of [c.n1, c.g1]) {
      await from.do({ do: "emit", to: [room], event: "news", args: [from.name] });
      await c.fence(from, ...clients);
      assert.equal((await from.do({ do: "fetch", to: [room] })).length, 4);
      assert.equal((await from.do({ do: "inquire", event: "who" })).answers.length, 3);
    }
    for (const { log } of clients) assert.deepEqual(log, [["news", "n1"], ["news", "g1"]]);
  });

  if (target === "reference") return; // whose servers die of them
  test(cluster, "of all kinds, on every channel", async (t, c) => {
    await Promise.all([c.remove(c.n1), c.remove(c.n2)]);
    const room = unique("room");
    const clients = [await c.client(c.g1, { rooms: [room] }), await c.client(c.g2, { rooms: [room] })];
    const list = await c.redis.command("PUBSUB", c.sharded ? "SHARDCHANNELS" : "CHANNELS", `${c.prefix}*`);
    const channels = list.filter((name) => name.includes("#/#") || !name.includes("#/"));
    assert.ok(channels.length >= 6, channels.join(" "));
    await publish(c, Object.values(malformed[format]).flatMap(Object.values), channels);
    if (format === "streams") for (const fields of Object.values(entries)) await c.redis.command("XADD", c.prefix, "*", ...fields);
    for (const from of [c.g1, c.g2]) {
      await from.do({ do: "emit", to: [room], event: "news", args: [from.name] });
      await c.fence(from, ...clients);
      assert.equal((await from.do({ do: "fetch", to: [room] })).length, 2);
      assert.equal((await from.do({ do: "inquire", event: "who" })).answers.length, 1);
      const { Malformed: dropped } = await from.do({ do: "stats" });
      assert.ok(dropped > 50, `${dropped} dropped`);
    }
    for (const { log, connected } of clients) assert.deepEqual([log, connected], [[["news", "g1"], ["news", "g2"]], true]);
  });
});
