// Readiness, as a load balancer goes by it: of three servers behind HAProxy, one loses its way to Redis.
import assert from "node:assert/strict";
import { once } from "node:events";
import { io } from "socket.io-client";
import { freePort } from "../guarded.mjs";
import { behind } from "../proxies.mjs";
import { Gate } from "./gate.mjs";
import { eventually, suite, target, test, within } from "./harness.mjs";

const names = ["g1", "g2", "g3"];

async function ask(port) {
  const response = await fetch(`http://127.0.0.1:${port}/ready`);
  return `${response.status} ${(await response.text()).trim()}`;
}

const body = (cluster) => {
  test(cluster, "new clients go where the engine can be reached", async (t, c) => {
    const ports = await Promise.all(names.map(freePort));
    const redis = { port: c.redis.port };
    const gate = await Gate.open(t, c.redis);
    for (const [i, name] of names.entries()) {
      await c.add(name, undefined, { listen: `127.0.0.1:${ports[i]}`, relay: true, ...(i === 0 && { redis: `127.0.0.1:${gate.port}` }) });
    }
    const url = await behind(t, "haproxy", ports.map((port) => `127.0.0.1:${port}`));
    const visit = async () => {
      const socket = io(url, { transports: ["websocket"], forceNew: true, reconnection: false });
      t.after(() => socket.close());
      await within("a client connects", once(socket, "connect"));
      return { socket, server: await within("an answer", socket.emitWithAck("work", 0)) };
    };
    const first = async () => {   // a client of the first server
      for (;;) {
        const v = await visit();
        if (v.server === names[0]) return v;
        v.socket.close();
      }
    };
    const stays = await within("a client of g1", first());

    gate.cut();
    await eventually("g1 says why it is not ready", async () => await ask(ports[0]) === "503 cluster: the engine is away");
    for (const port of ports.slice(1)) assert.equal(await ask(port), "200 ready");
    let elsewhere = 0;   // in a row: HAProxy asks twice in a second each
    await eventually("HAProxy sends nobody to g1", async () => {
      const { socket, server } = await visit();
      socket.close();
      elsewhere = server === names[0] ? 0 : elsewhere + 1;
      return elsewhere === 20;
    });
    assert.equal(await within("who is there goes on", stays.socket.emitWithAck("work", 0)), names[0]);

    gate.lead(c.redis);
    await eventually("g1 is ready again", async () => await ask(ports[0]) === "200 ready");
    await within("HAProxy sends clients to g1", first());
  });
};

// The reference has nothing of the kind.
if (target === "sio") suite("readiness", ["classic"], body, { servers: [] });
