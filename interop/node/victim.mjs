// A client in a process of its own: prints its id once it is connected and settled.
// usage: node victim.mjs version mode url

import { connected, settled, variants } from "./harness.mjs";

const [version, mode, url] = process.argv.slice(2);
const v = variants.find((v) => v.version === version && v.mode === mode);
const socket = await connected(v.client.io(url, { transports: v.transports, autoConnect: false }));
await settled(v, socket);
console.log(socket.id);
