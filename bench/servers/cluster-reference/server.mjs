// The contract of bench/cluster on the reference. All that it is told is in variables of the
// environment: see there.

import { createServer } from "node:http";
import { Server } from "socket.io";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";

const { PORT, REDIS, ENGINE, RECEIVES, ROOMS = 0, NAMESPACES = 0 } = process.env;

const pub = createClient({ url: `redis://${REDIS}` });
const sub = pub.duplicate();
await Promise.all([pub.connect(), sub.connect()]);

const http = createServer();
const io = new Server(http, { adapter: (ENGINE === "sharded" ? createShardedAdapter : createAdapter)(pub, sub) });

const rooms = Array.from({ length: ROOMS }, (_, i) => `room${i}`);
let clients = 0;

io.on("connection", (socket) => {
  if (RECEIVES) {
    socket.join(clients === 0 ? "first" : rooms[clients % rooms.length]);
    clients++;
  }
  const on = (event, emit) =>
    socket.on(event, (count, payload, ack) => {
      for (let i = 0; i < count; i++) emit(payload);
      ack();
    });
  on("first", (payload) => io.to("first").emit("msg", payload));
  on("rooms", (payload) => rooms.forEach((room) => io.to(room).emit("msg", payload)));
  on("namespaces", (payload) => namespaces.forEach((nsp) => nsp.to("room").emit("msg", payload)));
  on("nobody", (payload) => {
    for (let i = 0; i < 100; i++) io.to("nobody").emit("msg", payload);
    io.to("first").emit("msg", payload);
  });
});

const namespaces = Array.from({ length: NAMESPACES }, (_, i) => io.of(`/n${i}`));
if (RECEIVES) namespaces.forEach((nsp) => nsp.on("connection", (socket) => socket.join("room")));

http.listen(PORT, "127.0.0.1", () => console.log("ready"));
