// What server/targets.go is on sio: a namespace whose clients act upon each other.

export function targets(nsp) {
  const target = (socket, { by, to = [], except = [], local, volatile, compress, timeout }) => {
    let t = by === "socket" ? socket.broadcast : nsp;
    if (to.length) t = t.to(to);
    if (except.length) t = t.except(except);
    t = t.compress(Boolean(compress));
    if (local) t = t.local;
    if (volatile) t = t.volatile;
    if (timeout) t = t.timeout(timeout);
    return t;
  };
  nsp.on("connection", (socket) => {
    const seen = [];
    const outgoing = [];
    socket.data.name = socket.handshake.auth.name;
    socket.use(([event], next) => {
      seen.push(event);
      next();
    });
    socket.onAnyOutgoing((event) => outgoing.push(event));

    socket.on("seen", (ack) => ack(seen));
    socket.on("outgoing", (ack) => ack(outgoing));
    socket.on("emit", (how, event, data, ack) => {
      target(socket, how).emit(event, data);
      ack();
    });
    socket.on("question", (how, ack) => {
      target(socket, how).emit("question", "?", (err, answers) => ack({ answers, left: 0, timeout: Boolean(err) }));
    });
    socket.on("fetch", async (how, ack) => {
      const sockets = await target(socket, how).fetchSockets();
      ack(
        sockets.map(({ id, rooms, data, handshake: h }) => ({
          id,
          rooms: [...rooms].filter((r) => r !== id).sort(),
          name: data.name,
          handshake: {
            address: h.address, secure: h.secure, xdomain: h.xdomain, issued: h.issued,
            url: h.url, who: h.query.who ?? "", agent: h.headers["x-agent"] ?? "",
          },
        })),
      );
    });
    socket.on("count", async (how, ack) => ack((await target(socket, how).fetchSockets()).length));
    socket.on("join", (how, rooms, ack) => {
      target(socket, how).socketsJoin(rooms);
      ack();
    });
    socket.on("leave", (how, rooms, ack) => {
      target(socket, how).socketsLeave(rooms);
      ack();
    });
    socket.on("disconnect them", (how, rooms, ack) => {
      target(socket, how).disconnectSockets(rooms.length > 0);
      ack();
    });
    socket.on("remote", async (id, action, ack) => {
      const [s] = await nsp.in(id).fetchSockets();
      switch (action) {
        case "emit": s.emit("news", 1); break;
        case "join": s.join("remote"); break;
        case "leave": s.leave("remote"); break;
        case "disconnect": s.disconnect(); break;
        case "ask": return ack(await s.timeout(10_000).emitWithAck("question", "?"));
      }
      ack();
    });
  });
}
