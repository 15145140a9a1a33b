// Proves that a server keeps the bench's contract: by the official client over each
// transport or, with --bare, what servers/floor speaks.
//
//	node check.mjs [--bare | --no-binary] command [argument ...]

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { inspect } from "node:util";
import { io } from "socket.io-client";
import { WebSocket } from "ws";

const words = process.argv.slice(2);
const flags = words.splice(0, words.findIndex((word) => !word.startsWith("--")));
const [command, ...args] = words;

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});
const url = `http://127.0.0.1:${port}`;

// start resolves once the server has said that it is ready.
async function start() {
  const server = spawn(command, args, { env: { ...process.env, PORT: port }, stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => server.kill("SIGKILL"));
  const gone = once(server, "exit");
  const [line] = await Promise.race([
    once(createInterface(server.stdout), "line"),
    gone.then(([code]) => assert.fail(`exited with ${code}`)),
  ]);
  assert.equal(line, "ready");
  return { server, gone };
}

// received resolves with the next n messages of a kind, all their arguments.
function received(emitter, event, n) {
  const all = [];
  return new Promise((resolve) => {
    emitter.on(event, function listener(...args) {
      if (all.push(args) < n) return;
      emitter.off(event, listener);
      resolve(all);
    });
  });
}

async function connect(transports) {
  const socket = io(url, { transports, forceNew: true, reconnection: false });
  await Promise.race([
    once(socket, "connect"),
    once(socket, "connect_error").then(([err]) => assert.fail(err)),
  ]);
  return socket;
}

const messages = [{ n: 7, text: "háß 😀" }, { n: 1000000, text: "" }];
const blobs = flags.includes("--no-binary") ? [] : [Buffer.alloc(1024, "x"), Buffer.from([0, 255])];

async function checkTransport(transports) {
  step = transports.join(" to ");
  const socket = await connect(transports);
  if (socket.io.engine.transport.name !== transports.at(-1)) await once(socket.io.engine, "upgrade");
  const other = await connect(["websocket"]);

  for (const message of messages) {
    step = `${transports.join(" to ")}: echo of ${inspect(message)}`;
    assert.deepEqual(await socket.emitWithAck("echo", message), message);
    const echoed = received(socket, "echo", 1);
    socket.emit("echo", message);
    assert.deepEqual(await echoed, [[message]]);
  }
  step = `${transports.join(" to ")}: text`;
  assert.equal(await socket.emitWithAck("text", "háß 😀"), "háß 😀");
  for (const blob of blobs) {
    step = `${transports.join(" to ")}: binary`;
    assert.deepEqual(await socket.emitWithAck("binary", blob), blob);
  }

  step = `${transports.join(" to ")}: blast`;
  const blasted = Promise.all([received(socket, "msg", 10), received(other, "msg", 10)]);
  const answer = await new Promise((resolve) => socket.emit("blast", 10, "payload", (...args) => resolve(args)));
  assert.deepEqual(answer, []);
  for (const each of await blasted) {
    assert.deepEqual(each, Array(10).fill(["payload"]));
  }
  socket.disconnect();
  other.disconnect();
}

async function checkBare() {
  const sockets = [1, 2].map(() => new WebSocket(`ws://127.0.0.1:${port}/ws`, { perMessageDeflate: false }));
  await Promise.all(sockets.map((s) => once(s, "open")));
  const [socket, other] = sockets;
  const text = (messages) => messages.map(([data]) => String(data));

  for (const message of ["e", "e".padEnd(125, "x"), "e".padEnd(200, "x"), "e".padEnd(100_000, "x")]) {
    for (const binary of [false, true]) {
      const echoed = received(socket, "message", 1);
      socket.send(message, { binary });
      assert.deepEqual(await echoed, [[Buffer.from(message), binary]]);
    }
  }
  for (const payload of ["payload", "x".repeat(300)]) {
    const messages = Promise.all([received(socket, "message", 11), received(other, "message", 10)]);
    socket.send("b10" + payload);
    const [mine, others] = await messages;
    assert.deepEqual(text(mine), [...Array(10).fill(payload), "k"]);
    assert.deepEqual(text(others), Array(10).fill(payload));
  }
  sockets.forEach((s) => s.close());
}

async function checkMem() {
  step = "mem";
  const mem = await (await fetch(`${url}/mem`)).json();
  assert.deepEqual(Object.keys(mem), ["heap", "stack"]);
  for (const bytes of Object.values(mem)) assert(bytes === null || bytes > 0, `${bytes}`);
}

let step = "start";
setTimeout(() => {
  console.error(`${step}: no answer`);
  process.exit(1);
}, 20_000).unref();
const { server, gone } = await start();
if (flags.includes("--bare")) {
  await checkBare();
} else {
  await checkTransport(["websocket"]);
  await checkTransport(["polling"]);
  await checkTransport(["polling", "websocket"]);
}
await checkMem();
step = "SIGTERM";
server.kill("SIGTERM");
await gone;
console.log("ok");
