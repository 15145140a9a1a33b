// Official clients that tell, in lines of JSON, what becomes of them: of bench/failover.
//
//	node clients.mjs URL,... DELAY CLIENT ...
//
// A client is {"name", "rooms", "transports"}. Each connects to one of the URLs.

import { io } from "socket.io-client";

const [urls, delay, ...clients] = process.argv.slice(2);
const say = (client, step, more) => process.stdout.write(`${JSON.stringify({ client, step, ...more })}\n`);

for (const text of clients) {
  const { name, rooms, transports } = JSON.parse(text);
  const all = urls.split(",");
  const socket = io(all[0], {
    forceNew: true,
    transports,
    auth: { name, rooms },
    reconnectionDelay: Number(delay),
    reconnectionDelayMax: 10 * Number(delay),
  });
  // Where there is no balancer, each attempt goes to the next server.
  let turn = 0;
  socket.io.on("reconnect_attempt", () => {
    socket.io.uri = all[++turn % all.length];
  });
  // Before "connect" it hands out what came before.
  const connect = socket.onconnect;
  socket.onconnect = (id, pid) => {
    if (!pid || pid !== socket._pid) say(name, "began");
    connect.call(socket, id, pid);
  };
  socket.on("e", (origin, n, _, offset) => say(name, "received", { origin, n, offset }));
  socket.on("connect", () => {
    const { recovered } = socket;
    socket.emit("who", "", (state) => say(name, "there", { recovered, ...state }));
  });
  socket.on("disconnect", () => say(name, "lost"));
  socket.on("connect_error", (err) => {
    if (!socket.active) say(name, "refused", { error: err.message });
  });
}
console.log("ready");
