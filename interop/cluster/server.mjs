// A Node server of a cluster, with the official packages: what main.go is in Go. It obeys
// the lines of JSON that come on standard input, and answers and reports on standard
// output. See README.md.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { instrument } from "@socket.io/admin-ui";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import Redis from "ioredis";
import { createClient } from "redis";
import { createClient as createClient4 } from "redis-4";
import { Server } from "socket.io";
import { tagged, untagged } from "./values.mjs";

const { values: flags } = parseArgs({
  options: {
    redis: { type: "string" },
    name: { type: "string" },
    client: { type: "string", default: "redis" },
    format: { type: "string" },
    subscriptions: { type: "string", default: "dynamic" },
    specific: { type: "boolean", default: false },
    recovery: { type: "boolean", default: false },
    admin: { type: "boolean", default: false },
    sharded: { type: "boolean", default: false },
    prefix: { type: "string", default: "socket.io" },
    "requests-timeout": { type: "string", default: "5000" },
  },
});

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const clients = {
  redis: (url) => createClient({ url }).connect(),
  "redis-4": (url) => createClient4({ url }).connect(),
  ioredis: (url) => new Redis(url),
};
const [pub, sub] = await Promise.all([1, 2].map(() => clients[flags.client](`redis://${flags.redis}`)));
for (const client of [pub, sub]) client.on("error", () => {}); // it connects again

const adapters = {
  classic: () =>
    createAdapter(pub, sub, {
      key: flags.prefix,
      publishOnSpecificResponseChannel: flags.specific,
      requestsTimeout: Number(flags["requests-timeout"]),
    }),
  streams: () => createStreamsAdapter(pub, { streamName: flags.prefix, channelPrefix: flags.prefix, useShardedPubSub: flags.sharded }),
  sharded: () => createShardedAdapter(pub, sub, { channelPrefix: flags.prefix, subscriptionMode: flags.subscriptions }),
};

const http = createServer();
const io = new Server(http, {
  adapter: adapters[flags.format](),
  perMessageDeflate: { threshold: 0 },
  ...(flags.recovery && { connectionStateRecovery: {} }),
});

// admit lets a client in, with the rooms and the data that it asks for.
function admit(socket, next) {
  const { rooms = [], data = {} } = socket.handshake.auth;
  Object.assign(socket.data, untagged(data));
  socket.join(rooms);
  next();
}

for (const name of ["/", "/other", "/node"]) {
  const nsp = io.of(name).use(admit);
  const report = (event, args) => say({ report: event, nsp: name, args: tagged(args) });
  nsp.on("note", (...args) => report("note", args));
  nsp.on("who", (ack) => ack(flags.name));
  nsp.on("echo", (value, ack) => ack(value));
  nsp.on("silent unless", (name, ack) => {
    if (name === flags.name) ack(flags.name);
  });
}
io.of(/^\/dyn-\d+$/).use(admit);
if (flags.admin) instrument(io, { auth: false, mode: "development", serverId: flags.name });

// target returns what a command is about.
function target({ nsp = "/", to = [], except = [], local, volatile, compress, timeout }) {
  let t = io.of(nsp);
  if (to.length > 0) t = t.to(to);
  if (except.length > 0) t = t.except(except);
  if (local) t = t.local;
  if (volatile) t = t.volatile;
  if (compress === false) t = t.compress(false);
  if (timeout) t = t.timeout(timeout);
  return t;
}

const described = ({ id, rooms, data, handshake }) => ({ id, rooms: [...rooms], data, handshake });

const commands = {
  emit: (c) => void target(c).emit(c.event, ...untagged(c.args ?? [])),
  ask: (c) =>
    new Promise((resolve) => {
      target({ timeout: 20_000, ...c }).emit(c.event, ...untagged(c.args ?? []), (err, answers) => resolve({ answers, error: err?.message ?? "" }));
    }),
  fetch: async (c) => (await target(c).fetchSockets()).map(described),
  rooms: async (c) => [...(await io.of(c.nsp ?? "/").adapter.allRooms())],
  join: (c) => void target(c).socketsJoin(c.rooms),
  leave: (c) => void target(c).socketsLeave(c.rooms),
  disconnect: (c) => void target(c).disconnectSockets(c.close),
  tell: (c) => void io.of(c.nsp ?? "/").serverSideEmit(c.event, ...untagged(c.args ?? [])),
  inquire: (c) =>
    new Promise((resolve) => {
      io.of(c.nsp ?? "/").serverSideEmit(c.event, ...untagged(c.args ?? []), (err, answers) => resolve({ answers, error: err?.message ?? "" }));
    }),
  remote: async (c) => {
    const [socket] = await target(c).fetchSockets();
    switch (c.action) {
      case "emit":
        return void socket.emit(c.event, ...untagged(c.args));
      case "ask":
        return socket.timeout(20_000).emitWithAck(c.event, ...untagged(c.args));
      case "join":
        return void socket.join(c.rooms);
      case "leave":
        return void c.rooms.forEach((room) => socket.leave(room));
      case "disconnect":
        return void socket.disconnect(c.close);
    }
  },
};

// obey does what a line says: a list of commands one after the other, each begun when
// the one before has returned.
async function obey({ id, run }) {
  try {
    let last;
    for (const c of run) {
      last = commands[c.do](c);
      if (last instanceof Promise) last = await last;
    }
    say({ id, result: tagged(last ?? null) });
  } catch (err) {
    say({ id, error: err.message });
  }
}

http.listen(0, "127.0.0.1", () => {
  say({ report: "listening", args: [http.address().port] });
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => obey(JSON.parse(line)));
  lines.on("close", () => process.exit()); // the test has ended, or wants this one gone
});
