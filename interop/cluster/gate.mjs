// A way to a server that can be cut, and lead to another one.

import { connect, createServer } from "node:net";
import { once } from "node:events";

export class Gate {
  #listener;
  #sockets = new Set();
  #server;

  // open returns a gate to a server that is closed when the test ends.
  static async open(t, server) {
    const gate = new Gate();
    gate.#server = server;
    gate.#listener = createServer((client) => gate.#pass(client)).listen(0, "127.0.0.1");
    await once(gate.#listener, "listening");
    t.after(() => {
      gate.cut();
      gate.#listener.close();
    });
    return gate;
  }

  get port() {
    return this.#listener.address().port;
  }

  #pass(client) {
    const pair = this.#server ? [client, connect(this.#server.port, "127.0.0.1")] : [client];
    for (const [i, socket] of pair.entries()) {
      this.#sockets.add(socket);
      socket.on("error", () => {}); // the end is told
      socket.on("close", () => {
        this.#sockets.delete(socket);
        pair[1 - i]?.destroy();
      });
    }
    if (pair.length === 1) client.destroy();
    else client.pipe(pair[1]).pipe(client);
  }

  // cut breaks all connections. There are no new ones until it leads somewhere.
  cut() {
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }

  // lead has new connections go to a server.
  lead(server) {
    this.#server = server;
  }
}
