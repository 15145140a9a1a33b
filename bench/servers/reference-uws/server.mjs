// The bench's contract on the reference server over uWebSockets.js, by a package of the npm
// registry: the original is on GitHub only.

import uws from "@trufflesuite/uws-js-unofficial";
import { Server } from "socket.io";

const app = uws.App();
const io = new Server();
io.attachApp(app);
app.get("/mem", (res) => {
  gc();
  res.end(JSON.stringify({ heap: process.memoryUsage().heapUsed, stack: null }));
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

app.listen("127.0.0.1", Number(process.env.PORT), () => console.log("ready"));
