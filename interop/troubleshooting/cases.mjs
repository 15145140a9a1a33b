// What a client does in each case of docs/troubleshooting.md: with what is wrong, and with the line that the
// guide says. Where that is the server's, or nginx's, cases.go has it, or the guide of scaling.

import { connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { io } from "socket.io-client";
import io2 from "socket.io-client-2";
import msgpack from "socket.io-msgpack-parser";
import { WebSocket } from "ws";

const polling = { transports: ["polling"] };
const webSocket = { transports: ["websocket"] };
const large = "x".repeat(20_000);

// watch notes what a socket shows. It is disconnected when the test ends.
function watch(t, see, socket) {
  t.after(() => socket.close());
  const why = (err) => {
    const { description: at, context } = err ?? {};
    if (typeof at === "number") see(`status ${at}`);
    if (at?.message) see(at.message);
    if (context?.responseText) see(context.responseText);
    if (at?.context?.responseText) see(at.context.responseText);
    if (typeof at?.description === "number") see(`status ${at.description}`);
    if (at?.description?.message) see(at.description.message);
  };
  socket.on("connect", () => see("connect"));
  socket.on("connect_error", (err) => {
    why(err);
    see(`connect_error: ${err.message}`);
  });
  socket.on("disconnect", (reason, details) => {
    why(details?.description ? details : { description: details });
    see(`disconnect: ${reason}`);
  });
  return socket;
}

const open = (url, { nsp = "/", client = io, ...options } = {}) =>
  client(url + nsp, { reconnectionDelay: 50, reconnectionDelayMax: 100, forceNew: true, ...options });

// client connects, with options that may be other ones when the line is changed.
const client = (wrong = {}, right = wrong, then = () => {}) => ({
  act(t, see, url, changed) {
    const socket = watch(t, see, open(url, changed ? right : wrong));
    then(socket, see);
    return socket;
  },
});

// transport shows which one a socket stays with.
function transport(socket, see) {
  const { engine } = socket.io;
  const name = () => see(`socket.io.engine.transport.name: ${engine.transport.name}`);
  engine.on("handshake", ({ upgrades }) => { if (upgrades.length === 0) name(); });
  engine.on("upgradeError", name);
  engine.on("upgrade", name);
}

// emits asks when it is connected.
const emits = (event, ...args) => (socket, see) => socket.on("connect", () =>
  socket.timeout(3000).emit(event, ...args, (err, answer) => see(err?.message ?? `ack: ${JSON.stringify(answer)}`)));

const pinged = (socket, see) => socket.on("connect", () => socket.io.engine.on("ping", () => see("ping")));

const echoes = (what) => emits("echo", what);

// plainly opens a WebSocket by hand.
const plainly = (talk) => ({
  act(t, see, url) {
    const ws = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
    t.after(() => ws.terminate());
    ws.on("message", (data) => talk(ws, String(data), see));
    ws.on("close", (code) => see(`close: ${code}`));
  },
});

// gated reaches the server by a link that falls silent once the client is connected, unless that is changed.
const gated = (options) => ({
  async act(t, see, url, changed) {
    let silent = false;
    const links = new Set();
    const { hostname, port } = new URL(url);
    const gate = createServer((from) => {
      const to = connect(port, hostname);
      for (const [a, b] of [[from, to], [to, from]]) {
        links.add(a);
        a.on("error", () => {});
        a.on("data", (data) => silent || b.write(data));
        a.on("close", () => silent || b.destroy());
      }
    }).listen(0, "127.0.0.1");
    t.after(() => {
      for (const link of links) link.destroy();
      gate.close();
    });
    await new Promise((resolve) => gate.once("listening", resolve));
    const socket = watch(t, see, open(`http://127.0.0.1:${gate.address().port}`, { ...options, reconnection: false }));
    socket.on("connect", async () => {
      silent = !changed;
      await delay(3000);   // several pings, and longer than silence is borne
      if (socket.connected) see("still connected");
    });
  },
});

const nginx = (edit, rest) => ({ ...rest, nginx: edit });
const without = (line) => (config) => {
  if (!config.includes(line)) throw new Error(`docs/scaling.md has no line ${line}`);
  return config.replace(line, "");
};
const idle = (...more) => (config) => without("proxy_next_upstream error timeout http_503;")(without("proxy_read_timeout 60s;")(config))
  .replace("proxy_buffering off;", ["$&", "proxy_read_timeout 1s;", ...more].join(" "));

// cases are {act(t, see, url, changed), nginx, right, log}: what the client does; what is wrong with the
// proxy's configuration; what is seen when nothing is wrong any more; from which level the server logs; and whether
// the first thing that is shown still is.
export const cases = {
  "path": { ...client({ path: "/ws/" }), right: "connect" },
  "path of the mux": { ...client({ path: "/ws/" }), right: "connect" },
  "address": {
    act: (t, see, url, changed) => watch(t, see, open(changed ? url : "http://127.0.0.1:1")),
    right: "connect",
  },
  "timeout": {
    async act(t, see, url, changed) {
      const links = [];
      const mute = createServer((link) => links.push(link)).listen(0, "127.0.0.1");
      await new Promise((resolve) => mute.once("listening", resolve));
      const socket = watch(t, see, open(changed ? url : `http://127.0.0.1:${mute.address().port}`, { timeout: changed ? 20_000 : 500 }));
      t.after(() => {
        socket.close();
        for (const link of links) link.destroy();   // the client leaves them open
        mute.close();
      });
    },
    right: "connect",
  },
  "transport": {
    ...client({}, {
      transports: ["websocket"],
    }),
    right: "connect",
  },
  "version": {
    act: (t, see, url) => watch(t, see, open(url, { client: io2, forceNew: true })),
    right: "connect",
  },
  "sticky": { ...client(polling), right: "connect" },
  "writer": { ...client(webSocket), right: "connect" },
  "origin": { ...client({ ...webSocket, extraHeaders: { Origin: "https://app.example" } }), right: "connect" },
  "host": nginx(without("proxy_set_header Host $http_host;"), {
    act: (t, see, url) => watch(t, see, open(url, { ...webSocket, extraHeaders: { Origin: url } })),
    right: "connect",
  }),
  "head": { ...client({ extraHeaders: { Cookie: `a=${large}` } }), right: "connect" },
  "namespace": { ...client({ nsp: "/admin" }), right: "connect" },
  "namespaces": {
    act(t, see, url) {
      const first = open(url, { nsp: "/room-1" });
      t.after(() => first.close());
      first.on("connect", () => watch(t, see, first.io.socket("/room-2")).connect());
    },
    right: "connect",
  },
  "refused": {
    ...client({}, {
      auth: { token: "good" },
    }),
    right: "connect",
    log: "info",
  },
  "failing": { ...client(), right: "connect_error: try again later" },

  "proxy without upgrade": nginx(without("proxy_set_header Upgrade $http_upgrade;"), {
    ...client({}, {}, transport), right: "socket.io.engine.transport.name: websocket",
  }),
  "proxy without upgrade, WebSocket alone": nginx(without("proxy_set_header Upgrade $http_upgrade;"), { ...client(webSocket), right: "connect" }),
  "writer, too": { ...client({}, {}, transport), right: "socket.io.engine.transport.name: websocket" },

  "no CONNECT": {
    act(t, see, url, changed) {
      if (changed) watch(t, see, io(url));
      else plainly(() => {}).act(t, see, url);
    },
    right: "connect",
  },
  "no pong": {
    act(t, see, url, changed) {
      let pings = 0;
      plainly((ws, data) => {
        if (data.startsWith("0")) ws.send("40");
        if (data !== "2") return;
        if (changed)
          ws.send("3");
        if (++pings === 3) see("pings go on");
      }).act(t, see, url);
    },
    right: "pings go on",
    log: "info",
  },
  "silence": { ...gated({ ...webSocket }), right: "still connected", log: "info" },
  "idle WebSocket": nginx(idle(), {
    ...client({ ...webSocket, reconnection: false }, undefined, pinged),
    right: "ping",
    log: "info",
  }),
  "idle poll": nginx(idle("proxy_next_upstream off;"), {
    ...client({ ...polling, reconnection: false }, undefined, pinged),
    right: "ping",
    log: "info",
  }),
  "idle poll, sent again": nginx(idle(), {
    ...client({ ...polling, reconnection: false }, undefined, pinged),
    right: "ping",
  }),
  "large POST": { ...client({ ...polling, reconnection: false }, undefined, echoes(large)), right: `ack: "${large}"` },
  "large message": { ...client({ ...webSocket, reconnection: false }, undefined, echoes(large)), right: `ack: "${large}"` },
  "large POST behind nginx": {
    ...client({ ...polling, reconnection: false }, undefined, (socket, see) => socket.on("connect", () =>
      socket.emit("echo", "x".repeat(2_000_000), (answer) => see(`ack of ${answer.length}`)))),
    nginx: (config) => config,
    fixed: (config) => config.replace("proxy_buffering off;", "client_max_body_size 10m;"),
    right: "ack of 2000000",
  },
  "format": {
    ...client({ reconnection: false, ...webSocket }, {
      parser: msgpack,
    }),
    right: "connect",
  },
  "attachments": {
    ...client({ ...webSocket, reconnection: false }, undefined, (socket, see) => {
      socket.on("connect", () => socket.emit("files, please"));
      socket.on("files", (files) => see(`files: ${files.length}`));
    }),
    right: "files: 10",
  },
  "another format": { ...client({ ...webSocket, reconnection: false, parser: msgpack }, webSocket), right: "connect" },
  "sent away": {
    act(t, see, url, changed) {
      const socket = watch(t, see, open(url));
      let times = 0;
      socket.on("connect", () => {
        if (++times === 2) see("connected again");
        else socket.emit("leave me");
      });
      if (changed)
        socket.on("disconnect", (reason) => reason === "io server disconnect" && socket.connect());
    },
    right: "connected again",
    still: true,
  },

  "twice": {
    act(t, see, url, changed) {
      const socket = watch(t, see, open(url));
      let connects = 0;
      let events = 0;
      const listen = () => socket.on("news", () => { if (++events === 2) see("one event is handled twice"); });
      if (changed)
        listen();   // outside of "connect"
      socket.on("connect", async () => {
        if (!changed) listen();
        if (++connects === 1) return socket.emit("come back");
        await socket.timeout(5000).emitWithAck("news, please");
        see(`handled ${events} times`);
      });
    },
    right: "handled 1 times",
  },
  "no handler": { ...client({}, {}, emits("save")), right: "ack: undefined", log: "debug" },
  "no ack": { ...client({}, {}, emits("save")), right: 'ack: "saved"' },
  "wrong type": {
    act(t, see, url, changed) {
      const socket = watch(t, see, open(url));
      const args = changed
        ? { A: 1, B: 2 }
        : { A: "1", B: 2 };
      emits("add", args)(socket, see);
    },
    right: "ack: 3",
    log: "debug",
  },
  "failing event": { ...client({}, {}, emits("save")), right: 'ack: {"error":{"message":"try again later"}}' },
};
