// The bench's contract on the reference server.

import { createServer } from "node:http";
import { Server } from "socket.io";
import msgpack from "socket.io-msgpack-parser";

const http = createServer((req, res) => {
  if (req.url !== "/mem") return res.writeHead(404).end();
  gc();
  res.end(JSON.stringify({ heap: process.memoryUsage().heapUsed, stack: null }));
});
const io = new Server(http, {
  ...(process.argv.includes("-msgpack") && { parser: msgpack }),
  ...(process.argv.includes("-deflate") && { perMessageDeflate: true }),
});

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

http.listen(process.env.PORT, "127.0.0.1", () => console.log("ready"));
