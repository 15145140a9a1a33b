// The official client and three Go servers behind a balancer that sends each request to the
// next of them. With the engines, by TCP between servers and without.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";
import { behind } from "../proxies.mjs";
import { within, target } from "./harness.mjs";
import { RedisServer } from "./redis.mjs";

const program = process.env.RELAY ?? fileURLToPath(new URL("../../.bin/cluster-relay", import.meta.url));
// start starts the servers, and returns their addresses, and what ends them and returns what
// they have counted.
async function start(...flags) {
  const env = { ...process.env, GORACE: "halt_on_error=1 atexit_sleep_ms=0" };
  const servers = spawn(program, flags, { stdio: ["pipe", "pipe", "inherit"], env });
  const ended = once(servers, "close");
  const lines = createInterface({ input: servers.stdout })[Symbol.asyncIterator]();
  const line = async (what) => JSON.parse((await within(what, lines.next())).value);
  return {
    addrs: (await line("the servers")).map((port) => `127.0.0.1:${port}`),
    stop: async () => {
      servers.stdin.end();
      const stats = await line("the end of the servers");
      assert.deepEqual(await ended, [0, null]);
      return stats;
    },
  };
}

// visit connects a client, whose engine's errors fail the test.
async function visit(url, transports) {
  const socket = io(url, { transports, forceNew: true, reconnection: false });
  socket.failed = [];
  socket.on("connect_error", (err) => socket.failed.push(err));
  socket.on("disconnect", (reason) => reason !== "io client disconnect" && socket.failed.push(reason));
  await within("a connection", Promise.race([once(socket, "connect"), once(socket, "connect_error").then(([err]) => { throw err; })]));
  return socket;
}

// talk sends numbered events of all kinds, and checks that each is echoed once and in order.
async function talk(socket, count) {
  const got = [];
  const want = [];
  const all = new Promise((resolve) => socket.on("echoed", (v) => got.push(v) === count && resolve()));
  const acks = [];
  for (let i = 0; i < count; i++) {
    const value = i % 5 === 4 ? Buffer.from([i, 1, 2, 3]) : { i, text: "x".repeat(i % 7 === 6 ? 20_000 : 10) };
    want.push(value);
    acks.push(socket.emitWithAck("echo", value));
    if (i % 3 === 2) await acks[i];
  }
  assert.deepEqual(await within("acks", Promise.all(acks)), want);
  await within("echoes", all);
  assert.deepEqual(got, want);
}

describe("without sticky sessions", { skip: target !== "sio" && "the reference has no such thing", timeout: 600_000 }, () => {
  let redis;
  before(async () => (redis = await RedisServer.start()));
  after(() => redis.stop());

  const engines = { Redis: () => [`--redis=${redis.addr}`], NATS: () => [] };
  for (const [engine, flags] of Object.entries(engines)) {
    for (const way of ["TCP", "tunnels"]) {
      const balancer = way === "TCP" ? "haproxy" : "nginx";
      it(`${engine}, ${way}, ${balancer}`, async (t) => {
        let stats;
        const servers = await start(...flags(), ...(way === "TCP" ? ["--tcp"] : []));
        try {
          const url = await behind(t, balancer, servers.addrs);
          for (const transports of [["polling"], ["polling", "websocket"]]) {
            for (let round = 0; round < 3; round++) {
              const sockets = await Promise.all(Array.from({ length: 25 }, () => visit(url, transports)));
              await Promise.all(sockets.map((s) => talk(s, 20)));
              if (transports.length > 1) {
                for (const s of sockets) {
                  if (s.io.engine.transport.name !== "websocket") await within("an upgrade", once(s.io.engine, "upgrade"));
                }
                await Promise.all(sockets.map((s) => { s.off("echoed"); return talk(s, 10); }));
              }
              const heard = sockets.map((s) => within("a broadcast", once(s, "all")));
              sockets[0].emit("all", round);
              for (const [value] of await Promise.all(heard)) assert.equal(value, round);
              for (const s of sockets) {
                s.disconnect();
                assert.deepEqual(s.failed, []);
              }
            }
          }
        } finally {
          stats = await servers.stop();
        }
        assert.ok(stats.every((s) => s.Relayed > 100 && s.Unrelayed === 0), JSON.stringify(stats));
      });
    }
  }
});
