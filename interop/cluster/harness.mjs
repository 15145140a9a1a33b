// Starts Redis and the servers of a cluster, and makes clients of each. Every test runs in
// every format, and in each way from one server to another.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Manager } from "socket.io-client";
import { RedisServer } from "./redis.mjs";
import { untagged } from "./values.mjs";

// With TARGET=reference the servers that are in Go otherwise are in Node, too, which
// proves the tests. Tests branch on it where sio means to do better.
export const target = process.env.TARGET ?? "sio";
if (!["sio", "reference"].includes(target)) throw new Error(`TARGET is "sio" or "reference", not "${target}"`);
const goServer = process.env.SERVER ?? fileURLToPath(new URL("../../.bin/cluster-server", import.meta.url));
const nodeServer = fileURLToPath(new URL("server.mjs", import.meta.url));

// TIMEOUT, in ms, bounds each test; WAIT each wait inside one, so that a failure names
// what did not happen.
const TIMEOUT = 60_000;
const WAIT = 20_000;

// The formats, and the clients of Redis of the Node servers.
export const formats = {
  classic: { format: "classic", clients: ["redis-4", "ioredis"] },
  "classic, answers to one": { format: "classic", specific: "gn", clients: ["redis", "ioredis"] },
  "classic, by pattern": { format: "classic", subscriptions: "static", clients: ["redis", "ioredis"] },
  "classic, answers to one from Go": { format: "classic", specific: "g", clients: ["redis", "redis"] },
  "classic, answers to one from Node": { format: "classic", specific: "n", clients: ["redis", "redis"] },
  sharded: { format: "sharded", clients: ["redis", "ioredis"] },
  streams: { format: "streams", clients: ["redis", "ioredis"] },
  "streams, sharded": { format: "streams", sharded: true, clients: ["redis-4", "redis"] },
  "sharded, static": { format: "sharded", subscriptions: "static", clients: ["redis", "redis"] },
  "sharded, dynamic-private": { format: "sharded", subscriptions: "dynamic-private", clients: ["ioredis", "redis"] },
};

// mainFormats are for what does not depend on who listens to what; everyMode is for what
// does.
export const mainFormats = ["classic", "sharded", "streams"];
export const everyMode = [...mainFormats, "streams, sharded", "classic, by pattern", "sharded, static", "sharded, dynamic-private"];

// The ways: who acts, and on whose clients. Node to Node proves the test.
const ways = { "Node → Node": ["n1", "n2"], "Go → Node": ["g1", "n1"], "Node → Go": ["n1", "g1"], "Go → Go": ["g1", "g2"] };

let redis;
let serial = 0;

// unique returns a name that no other test of this file has. It has not 20 characters,
// as an id has.
export const unique = (name) => `${name}-${++serial}`;

// suite runs body(cluster) in each format, cluster() being the two Go and two Node servers
// of that format, or options.servers. Options are those of the servers.
export function suite(what, names, body, options = {}) {
  describe(what, { timeout: 10 * TIMEOUT }, () => {
    before(async () => (redis ??= await RedisServer.start()));
    after(async () => {
      await redis?.stop();
      redis = undefined;
    });
    for (const name of names) {
      describe(name, () => {
        let cluster;
        before(async () => (cluster = await Cluster.start({ name, ...formats[name], ...options })));
        after(() => cluster?.stop());
        body(() => cluster, name);
      });
    }
  });
}

// test is node:test's with a deadline. The clients that body makes end with it.
export function test(cluster, title, body, timeout = TIMEOUT) {
  it(title, { timeout }, async (t) => {
    t.after(() => cluster().endClients());
    await body(t, cluster());
  });
}

// across runs body(cluster, from, to) for each way: what server from does to clients of to.
export function across(cluster, title, body, { senders = ["Node", "Go"], receivers = ["Node", "Go"] } = {}) {
  for (const [way, [from, to]] of Object.entries(ways)) {
    const [sender, receiver] = way.split(" → ");
    if (!senders.includes(sender) || !receivers.includes(receiver)) continue;
    test(cluster, `${title}, ${way}`, (t, c) => body(c, c[from], c[to], t));
  }
}

// eventually waits until check returns true. It is for what only Redis knows.
export async function eventually(what, check) {
  const deadline = Date.now() + WAIT;
  for (;;) {
    if (await check()) return;
    if (Date.now() > deadline) throw new Error(`not within ${WAIT} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

// patiently asks n who answer and one who is silent, by ask(ms): for a short time, and for
// a long one if not all of the n were in time, as happens where the machine is busy.
export async function patiently(n, ask) {
  const got = await ask(300);
  return got.answers.length < n ? ask(5_000) : got;
}

// within rejects, naming what has not happened, when WAIT is over.
export function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`not within ${WAIT} ms: ${what}`)), WAIT)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class Cluster {
  static async start(options) {
    const cluster = new Cluster(options);
    const [one, two] = options.clients;
    try {
      const go = target === "sio" ? undefined : two;
      const servers = options.servers ?? ["n1", "n2", "g1", "g2"];
      const clients = { n1: one, n2: two, g1: go, g2: go };
      await Promise.all(servers.map((name) => cluster.add(name, clients[name])));
    } catch (err) {
      await cluster.stop();
      throw err;
    }
    return cluster;
  }

  #connections = [];
  #servers = new Set();
  #members = new Map(); // channel → names of the servers that have subscribed to it

  constructor(options) {
    this.options = options;
    this.sharded = options.format === "sharded" || options.sharded;
    this.prefix = unique("prefix");
    this.redis = redis;
  }

  // add starts a server: in Node with a client of Redis, in Go without.
  async add(name, client, options = {}) {
    const server = new TestServer(name, { ...this.options, redis: redis.addr, ...options, client, prefix: this.prefix });
    this.#servers.add(server);
    this[name] = server;
    await server.listening;
    await Promise.all(["/", "/other", server.kind === "Go" ? "/go" : "/node"].map((nsp) => this.heard(nsp)));
    return server;
  }

  // emitter starts a Go program that only sends.
  async emitter() {
    const emitter = new TestServer("emitter", { ...this.options, prefix: this.prefix, redis: redis.addr, emitter: true });
    this.#servers.add(emitter);
    await emitter.listening;
    this.#servers.delete(emitter);
    return emitter;
  }

  // heard waits until all servers that have a namespace listen to the cluster.
  async heard(nsp) {
    const has = [...this.#servers].filter(({ kind }) => nsp === "/" || nsp === "/other" || nsp === `/${kind.toLowerCase()}`).length;
    await this.subscribed(nsp, has);
  }

  channel(nsp, room) {
    return `${this.prefix}#${nsp}#${room === undefined ? "" : `${room}#`}`;
  }

  publish(channel, message) {
    return redis.command(this.sharded ? "SPUBLISH" : "PUBLISH", channel, message);
  }

  // request publishes a request as a server of the classic format does, and returns so
  // many answers.
  async request(nsp, request, answers) {
    const got = [];
    const listener = await redis.client.duplicate().connect();
    try {
      const enough = new Promise((resolve) => {
        const take = (message) => {
          const answer = JSON.parse(message);
          if (answer.requestId === request.requestId && got.push(answer) === answers) resolve();
        };
        const channel = `${this.prefix}-response#${nsp}#`;
        listener.subscribe([channel, `${channel}${request.uid}#`], take).then(() => this.publish(`${this.prefix}-request#${nsp}#`, JSON.stringify(request)));
      });
      await within(`${answers} answers`, enough);
    } finally {
      listener.destroy();
    }
    return got;
  }

  // kill ends a server without a word to anyone.
  async kill(server) {
    this.#servers.delete(server);
    await server.kill();
    await this.heard("/");
  }

  // remove ends a server as one does.
  async remove(server) {
    this.#servers.delete(server);
    await server.stop();
    await this.heard("/");
  }

  // client returns a connected client of a server, who is in the rooms, and has the data.
  // What it hears is in its log. The servers are known to listen for it.
  async client(server, { nsp = "/", rooms = [], data = {}, ...options } = {}) {
    const manager = new Manager(`http://127.0.0.1:${server.port}`, { transports: ["websocket"], autoConnect: false, reconnection: false, ...options });
    this.#connections.push(manager);
    return this.beside(server, manager, { nsp, rooms, data });
  }

  // beside returns a client on the connection of another one.
  async beside(server, manager, { nsp = "/", rooms = [], data = {} } = {}) {
    const socket = manager.socket(nsp, { auth: { rooms, data } });
    socket.log = [];
    socket.onAny((event, ...args) => {
      if (event !== "fence") socket.log.push([event, ...args]);
    });
    socket.connect();
    await within(`a client of ${server.name}`, once(socket, "connect"));
    for (const room of [...rooms, socket.id]) await this.joined([server], room, nsp);
    return socket;
  }

  // joined waits until servers listen for a room that clients of theirs have joined.
  async joined(servers, room, nsp = "/") {
    const channel = this.channel(nsp, room);
    const members = this.#members.get(channel) ?? new Set();
    for (const s of servers) if (s.listens(room)) members.add(s.name);
    if (members.size === 0) return;
    this.#members.set(channel, members);
    await redis.subscribers(this.sharded, channel, (n) => n === members.size);
  }

  // subscribed waits until so many servers have a namespace.
  async subscribed(nsp, servers) {
    const channel = this.options.format !== "classic" ? this.channel(nsp) : `${this.prefix}-request#${nsp}#`;
    await redis.subscribers(this.sharded, channel, (n) => n === servers);
  }

  // fence returns when the clients have got all that from has sent them before.
  async fence(from, ...clients) {
    const { nsp } = clients[0];
    const name = unique("fence");
    const through = clients.map((c) => within(`a fence of ${from.name}`, new Promise((resolve) => c.on("fence", (got) => got === name && resolve()))));
    await from.do({ do: "emit", nsp, event: "fence", args: [name] });
    await Promise.all(through);
    for (const c of clients) c.off("fence");
  }

  // looped returns when from has heard what it told all servers itself: a Node server in
  // the classic format has its own sockets join and leave only then. Here is a client of
  // from, there one of to.
  async looped(from, here, to, there) {
    await this.fence(from, there); // Redis has it
    await this.fence(to, here); // it comes to from behind it
  }

  endClients() {
    for (const m of this.#connections) m._close();
    this.#connections = [];
    this.#members.clear();
  }

  async stop() {
    this.endClients();
    const ended = await Promise.allSettled([...this.#servers].map((s) => s.stop()));
    for (const { reason } of ended) if (reason) throw reason;
  }
}

class TestServer {
  #process;
  #exited;
  #pending = new Map();
  #reports = [];
  #waiting = new Set();

  constructor(name, { format, subscriptions, sharded, client, prefix, specific, redis, emitter, listen, relay, recovery, admin, timeout = 5000 }) {
    this.name = name;
    this.client = client;
    this.kind = client ? "Node" : "Go";
    this.format = format;
    this.subscriptions = subscriptions ?? "dynamic";
    const flags = [`--redis=${redis}`, `--name=${name}`, `--format=${format}`, `--prefix=${prefix}`, `--requests-timeout=${timeout}`];
    if (client) flags.push(`--client=${client}`);
    if (subscriptions) flags.push(`--subscriptions=${subscriptions}`);
    if (sharded) flags.push("--sharded");
    if (emitter) flags.push("--emitter");
    if (relay) flags.push("--relay");
    if (recovery) flags.push("--recovery");
    if (admin) flags.push("--admin");
    if (listen) flags.push(`--listen=${listen}`);
    if (specific?.includes(name[0])) flags.push("--specific");
    const [program, ...args] = client ? [process.execPath, nodeServer] : [goServer];
    this.#process = spawn(program, [...args, ...flags], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, GORACE: "halt_on_error=1 atexit_sleep_ms=0" },
    });
    this.#process.stdin.on("error", () => {}); // the exit is told
    this.#exited = once(this.#process, "close");
    this.#exited.then(
      ([code, signal]) => this.#fail(new Error(`${name} ended with ${signal ?? code}`)),
      (err) => this.#fail(err),
    );
    createInterface({ input: this.#process.stdout }).on("line", (line) => this.#take(JSON.parse(line)));
    this.listening = this.reported("listening").then(({ args: [port] }) => (this.port = port));
  }

  // listens tells whether the server subscribes to the channel of a room.
  listens(room) {
    if (this.format === "streams") return false;
    if (this.format === "classic") return this.kind === "Go" && this.subscriptions !== "static";
    return this.subscriptions === "dynamic-private" || (this.subscriptions === "dynamic" && room.length !== 20);
  }

  #take({ id, report, result, error, ...rest }) {
    if (report) {
      const r = { report, ...untagged(rest) };
      for (const w of this.#waiting) if (w.take(r)) return;
      this.#reports.push(r);
      return;
    }
    const { resolve, reject } = this.#pending.get(id);
    this.#pending.delete(id);
    if (error !== undefined) reject(new Error(`${this.name}: ${error}`));
    else resolve(untagged(result));
  }

  #fail(err) {
    this.ended = err;
    for (const { reject } of this.#pending.values()) reject(err);
    for (const w of this.#waiting) w.reject(err);
  }

  // do has the server run commands one after the other, and returns what the last one
  // returns.
  do(...run) {
    return within(`${this.name} does ${run.map((c) => c.do)}`, this.begin(...run));
  }

  // begin is do for what takes its time.
  begin(...run) {
    if (this.ended) return Promise.reject(this.ended);
    const id = ++serial;
    const done = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.#process.stdin.write(`${JSON.stringify({ id, run })}\n`);
    return done;
  }

  // reported resolves to the next report of a kind for which pick holds, which may have
  // come already.
  reported(report, pick = () => true) {
    const wanted = (r) => r.report === report && pick(...(r.args ?? []));
    const i = this.#reports.findIndex(wanted);
    if (i >= 0) return Promise.resolve(this.#reports.splice(i, 1)[0]);
    if (this.ended) return Promise.reject(this.ended);
    let w;
    const came = new Promise((resolve, reject) => {
      w = { take: (r) => wanted(r) && this.#waiting.delete(w) && (resolve(r), true), reject };
      this.#waiting.add(w);
    });
    return within(`${this.name} reports ${report}`, came).finally(() => this.#waiting.delete(w));
  }

  // noted returns the reports of a kind that nobody has waited for.
  noted(report) {
    return this.#reports.filter((r) => r.report === report);
  }

  signal(name) {
    this.#process.kill(name);
  }

  // hang stops the process, and returns when each of its threads stands still: a signal takes
  // its time.
  async hang() {
    this.signal("SIGSTOP");
    const tasks = `/proc/${this.#process.pid}/task`;
    const state = (task) => readFileSync(`${tasks}/${task}/stat`, "latin1").replace(/^.*\) /s, "")[0];
    await eventually(`${this.name} stands still`, () => readdirSync(tasks).every((task) => state(task) === "T"));
  }

  async kill() {
    this.signal("SIGKILL");
    await this.#exited;
  }

  // stop throws unless the server ends well: a data race ends it with 66.
  async stop() {
    this.signal("SIGCONT"); // if a test has failed while it hung
    this.#process.stdin.end();
    const [code, signal] = await this.#exited;
    if (code !== 0) throw new Error(`${this.name} ended with ${signal ?? code}`);
  }
}
