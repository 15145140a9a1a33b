// The server of the reference, over TLS if there is a certificate.

import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Server } = createRequire(`${process.cwd()}/server.mjs`)("socket.io");
const { TLS_CERT: cert, TLS_KEY: key, TLS_PORT: port, PORT: about } = process.env;

const http = cert ? createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }) : createServer();
const io = new Server(http);

io.on("connection", (socket) => {
  socket.join("room");
  socket.on("echo", (data, ack) => ack(data));
});

const mem = createServer((_, res) => {
  gc();
  res.end(JSON.stringify({ heap: process.memoryUsage().heapUsed, stack: null }));
});

http.listen(port, "127.0.0.1", () => mem.listen(about, "127.0.0.1", () => console.log("ready")));
