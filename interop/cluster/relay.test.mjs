// The official client and three Go servers behind a balancer that sends each request to the
// next of them. With the engines, by TCP between servers and without.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";
import { freePort, guarded } from "../guarded.mjs";
import { within, target } from "./harness.mjs";
import { RedisServer } from "./redis.mjs";

const program = process.env.RELAY ?? fileURLToPath(new URL("../../.bin/cluster-relay", import.meta.url));
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin`, GORACE: "halt_on_error=1 atexit_sleep_ms=0" }; // Debian has proxies there

const balancers = {
  haproxy: (dir, port, servers) => {
    writeFileSync(join(dir, "conf"), `
      defaults
        mode http
        timeout connect 5s
        timeout client 60s
        timeout server 60s
        timeout tunnel 60s
      frontend web
        bind 127.0.0.1:${port}
        default_backend sio
      backend sio
        balance roundrobin
        ${servers.map((p) => `server s${p} 127.0.0.1:${p}`).join("\n        ")}\n`);
    return guarded("haproxy", ["-db", "-f", join(dir, "conf")], { env });
  },
  nginx: (dir, port, servers) => {
    writeFileSync(join(dir, "conf"), `
      daemon off;
      pid ${dir}/pid;
      master_process off;
      events { worker_connections 4096; }
      http {
        access_log off;
        ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${dir}/${name};`).join("\n")}
        map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
        upstream sio { ${servers.map((p) => `server 127.0.0.1:${p};`).join(" ")} keepalive 32; }
        server {
          listen 127.0.0.1:${port};
          client_max_body_size 2m;
          location / {
            proxy_pass http://sio;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header Host $http_host;
            proxy_next_upstream off;
            proxy_buffering off;
          }
        }
      }`);
    return guarded("nginx", ["-p", dir, "-c", "conf", "-e", "stderr"], { env });
  },
};

// behind starts the servers and a balancer, and returns its URL and what ends both, which returns
// what the servers have counted.
async function behind(balancer, ...flags) {
  const servers = spawn(program, flags, { stdio: ["pipe", "pipe", "inherit"], env });
  const ended = once(servers, "close");
  const lines = createInterface({ input: servers.stdout })[Symbol.asyncIterator]();
  const ports = JSON.parse((await within("the servers", lines.next())).value);
  const dir = mkdtempSync(join(tmpdir(), "sio-balancer-"));
  const port = await freePort();
  const proxy = balancers[balancer](dir, port, ports);
  const gone = once(proxy, "close");
  const url = `http://127.0.0.1:${port}`;
  const there = () => fetch(url).then((r) => r.text().then(() => true), () => false);
  while (!(await within(balancer, there()))) await delay(5);
  return {
    url,
    stop: async () => {
      servers.stdin.end();
      const stats = JSON.parse((await within("the end of the servers", lines.next())).value);
      const [code] = await ended;
      proxy.stdin.end();
      await gone;
      rmSync(dir, { recursive: true });
      assert.equal(code, 0);
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
      it(`${engine}, ${way}, ${balancer}`, async () => {
        const servers = await behind(balancer, ...flags(), ...(way === "TCP" ? ["--tcp"] : []));
        try {
          for (const transports of [["polling"], ["polling", "websocket"]]) {
            for (let round = 0; round < 3; round++) {
              const sockets = await Promise.all(Array.from({ length: 25 }, () => visit(servers.url, transports)));
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
          const stats = await servers.stop();
          assert.ok(stats.every((s) => s.Relayed > 100 && s.Unrelayed === 0), JSON.stringify(stats));
        }
      });
    }
  }
});
