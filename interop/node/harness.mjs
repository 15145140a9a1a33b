// Starts the server under test, and makes clients in every combination of
// client version and transport.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import * as v48 from "socket.io-client";
import * as v40 from "socket.io-client-4.0";

// target is the server under test: "sio", or "reference" to prove the tests
// themselves. Tests branch on it where sio means to do better.
export const target = process.env.TARGET ?? "sio";

const command = {
  sio: [
    process.env.SERVER ?? fileURLToPath(new URL("../../.bin/interop-server", import.meta.url)),
    ...(process.env.SERVER_FLAGS?.split(" ") ?? []),
  ],
  reference: [process.execPath, fileURLToPath(new URL("../reference.mjs", import.meta.url))],
}[target];
if (!command) throw new Error(`TARGET is "sio" or "reference", not "${target}"`);

export const variants = [
  { version: "4.8", client: v48 },
  { version: "4.0", client: v40 },
].flatMap((v) => [
  { ...v, mode: "websocket", transports: ["websocket"] },
  { ...v, mode: "polling", transports: ["polling"] },
  { ...v, mode: "upgrade", transports: ["polling", "websocket"] },
]);

// TIMEOUT, in ms, bounds each test; WAIT each wait inside one, so that a
// failure names what did not happen.
const TIMEOUT = 60_000;
const WAIT = 20_000;

// suite runs body for each variant, as "what, 4.8 over polling".
export function suite(what, body) {
  for (const v of variants) {
    describe(`${what}, ${v.version} over ${v.mode}`, { timeout: 10 * TIMEOUT }, () => body(v));
  }
}

// test is node:test's with a deadline, and gives t.client(variant, server, …),
// which is disconnected when the test ends.
export function test(name, body) {
  it(name, { timeout: TIMEOUT }, (t) => body(Object.assign(t, { manager, client, monitor })));
}

function manager(v, server, options = {}) {
  const m = new v.client.Manager(server.url, {
    transports: v.transports,
    autoConnect: false,
    reconnectionDelay: 20,
    reconnectionDelayMax: 100,
    ...options,
  });
  this.after(() => {
    m.reconnection(false);
    m._close();
  });
  return m;
}

// client returns a socket that is not connected yet, on a connection of its own.
function client(v, server, { nsp = "/", auth, ...options } = {}) {
  return this.manager(v, server, options).socket(nsp, { auth });
}

// monitor returns a connected socket of /monitor, which hears of every
// departure: "leaving" and "left", with {id, nsp, reason, rooms}.
async function monitor(server) {
  const m = this.client(variants[0], server, { nsp: "/monitor" });
  await connected(m);
  return m;
}

// next resolves to the arguments of the next event for which pick holds.
export function next(emitter, event, pick = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      emitter.off(event, listen);
      reject(new Error(`no "${event}" within ${WAIT} ms`));
    }, WAIT);
    function listen(...args) {
      if (!pick(...args)) return;
      clearTimeout(timer);
      emitter.off(event, listen);
      resolve(args);
    }
    emitter.on(event, listen);
  });
}

// collect gathers the first arguments of event up to done(values).
export async function collect(emitter, event, done) {
  const values = [];
  await next(emitter, event, (value) => done(values, values.push(value)));
  return values;
}

// connected connects the socket; a refusal rejects.
export function connected(socket) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(reject)(new Error(`not connected within ${WAIT} ms`)), WAIT);
    const settle = (f) => (value) => {
      clearTimeout(timer);
      socket.off("connect", yes).off("connect_error", no);
      f(value);
    };
    const yes = settle(() => resolve(socket));
    const no = settle(reject);
    socket.on("connect", yes).on("connect_error", no);
    socket.connect();
  });
}

// upgraded waits until the connection below the socket is on WebSocket.
export async function upgraded(socket) {
  const { engine } = socket.io;
  if (engine.transport.name !== "websocket") await next(engine, "upgrade");
}

// settled waits until nothing is under way for the connection of a connected
// socket: it is upgraded where it is to be, and a poll is out where it stays.
export async function settled({ mode }, socket) {
  if (mode === "upgrade") await upgraded(socket);
  if (mode !== "polling") return;
  // In the next turn the poll that follows the one being handled is sent. When a
  // post sent behind it is answered, the server has it.
  await new Promise(setImmediate);
  const drained = next(socket.io.engine, "drain");
  socket.emit("nobody handles this");
  await drained;
}

// ask emits with an ack, as every 4.x can, and resolves to the ack's arguments.
export function ask(socket, event, ...args) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ack of "${event}" within ${WAIT} ms`)), WAIT);
    socket.emit(event, ...args, (...answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}

// start runs a server on a free port with the given flags, such as
// {"ping-interval": 200}.
export async function start(flags = {}) {
  const server = new TestServer(flags);
  await server.run("127.0.0.1:0");
  return server;
}

class TestServer {
  #flags;
  #process;
  #exited;
  #addr;

  constructor(flags) {
    this.#flags = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  }

  get url() {
    return `http://${this.#addr}`;
  }

  // lines are what the server reported on standard output since its last start.
  lines = [];

  async run(addr) {
    const [program, ...args] = command;
    this.lines = [];
    this.#process = spawn(program, [...args, `--addr=${addr}`, ...this.#flags], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, GORACE: "halt_on_error=1 atexit_sleep_ms=0" },
    });
    this.#exited = once(this.#process, "close");
    this.#exited.catch(() => {}); // told to whoever waits for the exit
    const listening = new Promise((resolve, reject) => {
      this.#exited.then(([code, signal]) => reject(new Error(`server ended with ${signal ?? code}`)), reject);
      createInterface({ input: this.#process.stdout }).on("line", (line) => {
        if (line.startsWith("listening on ")) resolve(line.slice("listening on ".length));
        else this.lines.push(JSON.parse(line));
      });
    });
    this.#addr = await listening;
  }

  // restart listens on the port that the server had before.
  restart() {
    return this.run(this.#addr);
  }

  // signal sends a signal and does not wait.
  signal(name) {
    this.#process.kill(name);
  }

  // kill ends the server without a word to anyone.
  async kill() {
    this.#process.kill("SIGKILL");
    await this.#exited;
  }

  // stop shuts the server down and throws unless it ends well: a data race
  // found by the detector ends it with 66.
  async stop() {
    this.#process.kill("SIGTERM");
    await this.exited();
  }

  // exited waits for the server to have ended well.
  async exited() {
    const [code, signal] = await this.#exited;
    if (code !== 0) throw new Error(`server ended with ${signal ?? code}`);
  }
}
