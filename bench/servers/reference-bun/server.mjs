// The bench's contract on the reference server in Bun, over the engine that it has for it.

import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";

const io = new Server();
const engine = new Engine({ path: "/socket.io/" });
io.bind(engine);

io.on("connection", (socket) => {
  socket.join("room");

  socket.on("echo", (data, ack) => {
    if (ack) ack(data);
    else socket.emit("echo", data);
  });
  socket.on("binary", (data, ack) => ack(data));
  socket.on("text", (data, ack) => ack(data));

  socket.on("blast", (count, payload, ack) => {
    for (let i = 0; i < count; i++) io.to("room").emit("msg", payload);
    ack();
  });
});

const handler = engine.handler();
Bun.serve({
  ...handler,
  hostname: "127.0.0.1",
  port: process.env.PORT,
  fetch(req, server) {
    if (new URL(req.url).pathname !== "/mem") return handler.fetch(req, server);
    Bun.gc(true);
    return new Response(JSON.stringify({ heap: process.memoryUsage().heapUsed, stack: null }));
  },
});
console.log("ready");
