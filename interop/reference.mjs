// The interop contract (see README.md) on the reference server, so that the
// tests can be proved against it. server/main.go is the same on sio.

import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Server } from "socket.io";
import { targets } from "./reference-targets.mjs";
import msgpackParser from "socket.io-msgpack-parser";

const { values: flags } = parseArgs({
  options: {
    addr: { type: "string", default: "127.0.0.1:0" },
    "ping-interval": { type: "string", default: "25000" },
    "ping-timeout": { type: "string", default: "20000" },
    "max-payload": { type: "string", default: "1000000" },
    "connect-timeout": { type: "string", default: "45000" },
    "allow-eio3": { type: "string", default: "false" },
    "cors-origin": { type: "string" },
    client: { type: "string" }, // it has its own copy
    "max-client-namespaces": { type: "string" }, // of sio
    parser: { type: "string" },
    compress: { type: "string", default: "0" },
    recovery: { type: "string", default: "0" },
  },
});

const http = createServer();
const io = new Server(http, {
  pingInterval: Number(flags["ping-interval"]),
  pingTimeout: Number(flags["ping-timeout"]),
  maxHttpBufferSize: Number(flags["max-payload"]),
  connectTimeout: Number(flags["connect-timeout"]),
  allowEIO3: flags["allow-eio3"] === "true",
  cors: flags["cors-origin"] && { origin: flags["cors-origin"] },
  cleanupEmptyChildNamespaces: true,
  parser: flags.parser === "msgpack" ? msgpackParser : undefined,
  perMessageDeflate: flags.compress !== "0" && { threshold: Number(flags.compress) },
  ...(flags.recovery !== "0" && { connectionStateRecovery: { maxDisconnectionDuration: Number(flags.recovery), skipMiddlewares: false } }),
});
const monitor = io.of("/monitor");

// watch reports every departure to the monitors, and on standard output for
// when the monitors leave too.
function watch(socket) {
  const report = (event) => (reason) => {
    const what = { event, id: socket.id, nsp: socket.nsp.name, reason, rooms: [...socket.rooms].filter((r) => r !== socket.id).sort() };
    monitor.emit(event, what);
    console.log(JSON.stringify(what));
  };
  socket.on("disconnecting", report("leaving"));
  socket.on("disconnect", report("left"));
}

function contract(nsp) {
  nsp.on("connection", (socket) => {
    watch(socket);
    socket.emit("welcome", 1);
    socket.emit("welcome", 2);

    socket.on("whoami", (ack) => ack({ id: socket.id, auth: socket.handshake.auth, query: socket.handshake.query.who ?? "" }));
    socket.on("echo", (...args) => socket.emit("echo", ...args));
    socket.on("echo:ack", (...args) => args.pop()(...args));
    socket.on(7, (...args) => args.pop()(...args));
    socket.on("size", (data, ack) => ack(data.length));
    socket.on("large", (n) => socket.emit("large", "x".repeat(n)));
    socket.on("number", (i) => socket.emit("number", i));
    const count = (from, n) => {
      for (let i = from; i < from + n; i++) socket.emit("count", i);
    };
    socket.on("count", count);
    socket.on("farewell", (from, n) => {
      count(from, n);
      process.kill(process.pid, "SIGTERM");
    });
    socket.on("burst", (n) => {
      for (let i = 0; i < n; i++) socket.volatile.emit("burst", i);
      socket.emit("burst:end");
    });
    socket.on("ask", async (ms, question, ack) => {
      try {
        ack({ answer: await socket.timeout(ms).emitWithAck("question", question) });
      } catch {
        ack({ error: "timeout" });
      }
    });
    socket.on("storm", (room, n, ack) => {
      for (let i = 0; i < n; i++) {
        nsp.to(room).emit("storm", { i, tag: Buffer.from(`a${i}`) }, `text ${i}`, [Buffer.from(`b${i}`)]);
      }
      ack(n);
    });
    socket.on("join", (rooms, ack) => {
      socket.join(rooms);
      ack([...socket.rooms].filter((r) => r !== socket.id).sort());
    });
    socket.on("leave", (room, ack) => {
      socket.leave(room);
      ack([...socket.rooms].filter((r) => r !== socket.id).sort());
    });
    socket.on("send", ({ by, to, except, volatile }, event, data, ack) => {
      let target = by === "server" ? nsp : socket;
      if (to.length) target = target.to(to);
      else if (by === "socket") target = target.broadcast;
      if (except.length) target = target.except(except);
      if (volatile) target = target.volatile;
      target.emit(event, data);
      ack();
    });
    socket.on("set", (value, ack) => {
      socket.data.value = value;
      ack(true);
    });
    socket.on("state", (ack) => ack({ recovered: socket.recovered, value: socket.data.value ?? null, rooms: [...socket.rooms].filter((r) => r !== socket.id).sort() }));
    socket.on("expire", () => socket.conn.close());
    socket.on("bye", (close) => socket.disconnect(close));
  });
}
contract(io.of("/"));
contract(io.of("/chat"));
targets(io.of("/targets"));

const auth = io.of("/auth");
auth.use((socket, next) => {
  const refuse = (message, data) => next(Object.assign(new Error(message), data && { data }));
  switch (socket.handshake.auth.token) {
    case "good": return next();
    case "internal": return refuse("the database at 10.0.0.7 is down");
    case "bare": return refuse("not today");
    default: return refuse("not authorized", { code: 401, hint: ["token", null] });
  }
});
contract(auth);

// A client of /gate is let in once a monitor opens the gate.
const gates = new Map();
io.of("/gate").use((socket, next) => {
  const { name } = socket.handshake.auth;
  gates.set(name, next);
  monitor.emit("waiting", name);
});
contract(io.of("/gate"));

monitor.on("connection", (socket) => {
  socket.on("open", (name) => {
    gates.get(name)();
    gates.delete(name);
  });
});

io.of("/transport").on("connection", (socket) => {
  socket.conn.on("upgrade", (transport) => socket.emit("upgraded", transport.name));
  socket.on("disconnect", (reason, cause) => monitor.emit("cause", { reason, cause: cause?.message ?? null }));
});
// Namespaces whose names clients choose.
const tenants = io.of(/^\/tenant-\w+$/);
tenants.use((socket, next) => {
  if (socket.nsp.name === "/tenant-locked") return next(new Error("not authorized"));
  socket.join("lobby");
  next();
});
tenants.on("connection", (socket) => {
  socket.on("where", (ack) => ack([socket.nsp.name, socket.nsp.name.slice("/tenant-".length)]));
});
contract(tenants);
monitor.on("connection", (socket) => {
  socket.on("tell", (name, ack) => ack(io.of(name).emit("told", name)));
  socket.on("tell:lobby", (name, ack) => ack(io.of(name).to("lobby").emit("told", "lobby")));
  socket.on("tell:all", (ack) => ack(tenants.emit("told", "all")));
});
contract(io.of((name, _auth, next) => next(null, /^\/dyn-\d+$/.test(name))));

const [host, port] = flags.addr.split(":");
http.listen(Number(port), host, () => console.log(`listening on ${host}:${http.address().port}`));
http.on("error", (err) => {
  console.error(err.message);
  process.exit(1);
});
process.on("SIGTERM", () => io.close(() => process.exit(0)));
