// What must not compile, beside the same line put right. Each is a module of its own, in which
// the sockets of client/sockets.ts, the types, and the values below are known.
export const prelude = [
  `import { admin, gate, loose, refusal, root, tenant } from "./sockets.js";`,
  `import type { Connect, Files, Item, Mood, Order, Receipt, SocketOf } from "./events.js";`,
  `declare const order: Order, files: Files, item: Item, receipt: Receipt, mood: Mood, text: string, connect: Connect, users: SocketOf<"/admin">;`,
  `void [admin, gate, loose, refusal, root, tenant, order, files, item, receipt, mood, text, connect, users];`,
].join(" ");

// The codes are those of the compiler: 2322 and 2345 for what can't be assigned or passed, 2554
// for the number of arguments, 2769 for overloads, 2339 for a property that is not there, 2353 for
// one too many, 2741 and 2739 for missing ones, 18047 to 18049 for what may be null or undefined.
export const misuses = [
  // events
  ["unknown event", `root.emit("ordre", order, () => {});`, `root.emit("order", order, () => {});`, 2345],
  ["unknown event with an ack", `await root.emitWithAck("ordre", order);`, `await root.emitWithAck("order", order);`, 2345],
  ["event that only the server sends", `root.emit("receipt", receipt);`, `root.emit("say", text);`, 2345],
  ["listener of an unknown event", `root.on("recept", () => {});`, `root.on("receipt", () => {});`, 2345],
  ["listener, once, of an unknown event", `root.once("recept", () => {});`, `root.once("receipt", () => {});`, 2345],
  ["listener of an event that clients send", `root.on("order", () => {});`, `root.on("receipt", () => {});`, 2345],
  ["unknown event taken off", `root.off("recept");`, `root.off("receipt");`, 2345],
  ["event of another namespace", `root.emit("ban", text);`, `admin({ token: "t" }).emit("ban", text);`, 2345],
  ["event of the main namespace", `admin({ token: "t" }).emit("say", text);`, `root.emit("say", text);`, 2345],
  ["listener of an event of another namespace", `root.on("users", () => {});`, `admin({ token: "t" }).on("users", () => {});`, 2345],
  ["same event with the type of another namespace", `tenant("a").emit("say", text);`, `tenant("a").emit("say", 7);`, 2345],
  ["unknown event of a pattern", `tenant("a").emit("wher", () => {});`, `tenant("a").emit("where", () => {});`, 2345],
  ["name in another case", `root.emit("Say", text);`, `root.emit("say", text);`, 2345],
  ["number as the name", `root.emit(7, 1);`, `root.emit("7", 1);`, 2345],

  // arguments
  ["argument of a wrong type", `root.emit("say", 7);`, `root.emit("say", text);`, 2345],
  ["argument missing", `root.emit("say");`, `root.emit("say", text);`, 2554],
  ["argument that may be null missing", `root.emit("maybe");`, `root.emit("maybe", null);`, 2554],
  ["argument too many", `root.emit("say", text, text);`, `root.emit("say", text);`, 2554],
  ["argument of an event that has none", `root.emit("ping me", 1);`, `root.emit("ping me");`, 2554],
  ["ack of an event that has none", `root.emit("say", text, () => {});`, `root.emit("say", text);`, 2554],
  ["field of a wrong type", `root.emit("order", { ...order, id: "7" }, () => {});`, `root.emit("order", { ...order, id: 7 }, () => {});`, 2322],
  ["field missing", `root.emit("order", { id: 7, state: "open", items: [], gift: null }, () => {});`, `root.emit("order", { id: 7, title: text, state: "open", items: [], gift: null }, () => {});`, [2345, 2741]],
  ["field too many", `root.emit("order", { ...order, nmae: text }, () => {});`, `root.emit("order", { ...order, note: text }, () => {});`, 2353],
  ["field by its name in Go", `root.emit("order", { ...order, Title: text }, () => {});`, `root.emit("order", { ...order, title: text }, () => {});`, 2561],
  ["field in a list of a wrong type", `root.emit("order", { ...order, items: [{ name: text }] }, () => {});`, `root.emit("order", { ...order, items: [{ name: text, price: 1 }] }, () => {});`, 2741],
  ["list as a single value", `root.emit("order", { ...order, items: item }, () => {});`, `root.emit("order", { ...order, items: [item] }, () => {});`, [2740, 2739, 2322]],
  ["null where none can be", `root.emit("say", null);`, `root.emit("say", text);`, 2345],
  ["undefined", `root.emit("say", undefined);`, `root.emit("say", text);`, 2345],
  ["null in a field that can't be", `root.emit("order", { ...order, title: null }, () => {});`, `root.emit("order", { ...order, title: text }, () => {});`, 2322],
  ["value that an enum does not have", `root.emit("mood", "lost");`, `root.emit("mood", "sad");`, 2345],
  ["string where an enum is meant", `root.emit("mood", text);`, `root.emit("mood", mood);`, 2345],
  ["number that an enum does not have", `root.emit("ranks", [4]);`, `root.emit("ranks", [3]);`, 2322],
  ["name of a number of an enum", `root.emit("ranks", ["Poor"]);`, `root.emit("ranks", [1]);`, 2322],
  ["enum in a field", `root.emit("order", { ...order, state: "lost" }, () => {});`, `root.emit("order", { ...order, state: "open" }, () => {});`, 2322],
  ["text as an attachment", `root.emit("upload", text);`, `root.emit("upload", new TextEncoder().encode(text));`, 2345],
  ["numbers as an attachment", `root.emit("upload", [1, 2]);`, `root.emit("upload", new Uint8Array([1, 2]));`, 2345],
  ["attachment for base64", `root.emit("files", { ...files, blob: new ArrayBuffer(1) });`, `root.emit("files", { ...files, blob: "AA==" });`, 2322],
  ["array of a wrong length", `root.emit("files", { ...files, sum: [1, 2, 3] });`, `root.emit("files", { ...files, sum: [1, 2, 3, 4] });`, 2322],
  ["override's type", `root.emit("price", 12.5);`, `root.emit("price", "12.50 EUR");`, 2345],
  ["generic type's argument", `root.emit("find", { key: "k", value: "lost" }, () => {});`, `root.emit("find", { key: "k", value: "glad" }, () => {});`, 2322],
  ["recursive type, deep inside", `root.emit("tree", { name: "a", parent: null, children: [{ name: 7, parent: null }] }, () => {});`, `root.emit("tree", { name: "a", parent: null, children: [{ name: "7", parent: null }] }, () => {});`, 2322],

  // acks
  ["ack missing", `root.emit("order", order);`, `root.emit("order", order, () => {});`, 2554],
  ["ack in place of the argument", `root.emit("order", () => {});`, `root.emit("order", order, () => {});`, [2554, 2345]],
  ["ack given to emitWithAck", `root.emitWithAck("order", order, () => {});`, `root.emitWithAck("order", order);`, 2554],
  ["argument of emitWithAck missing", `root.emitWithAck("order");`, `root.emitWithAck("order", order);`, 2554],
  ["argument of emitWithAck of a wrong type", `root.emitWithAck("count", 7);`, `root.emitWithAck("count", text);`, 2345],
  ["answer as another type", `root.emit("count", text, (n: string) => n);`, `root.emit("count", text, (n) => n);`, 2345],
  ["answer with a field that it has not", `root.emit("order", order, (a) => "error" in a ? 0 : a.totla);`, `root.emit("order", order, (a) => "error" in a ? 0 : a.total);`, [2339, 2551]],
  ["failure not looked at", `root.emit("order", order, (a) => a.total);`, `root.emit("order", order, (a) => "error" in a ? 0 : a.total);`, 2339],
  ["failure of emitWithAck not looked at", `(await root.emitWithAck("order", order)).total;`, `const a = await root.emitWithAck("order", order); if (!("error" in a)) a.total;`, 2339],
  ["failure of a number not looked at", `(await root.emitWithAck("count", text)).toFixed();`, `const n = await root.emitWithAck("count", text); if (typeof n === "number") n.toFixed();`, 2339],
  ["failure's data of another event", `root.emit("order", order, (a) => "error" in a && a.error.data?.code);`, `root.emit("fail", text, (a) => typeof a !== "string" && a.error.data?.code);`, 2339],
  ["failure's data taken for granted", `root.emit("order", order, (a) => "error" in a && a.error.data.item);`, `root.emit("order", order, (a) => "error" in a && a.error.data?.item);`, [18048, 2532]],
  ["answer's list taken for granted", `root.emit("find", { key: text, value: mood }, (a) => "error" in a || a.items.length);`, `root.emit("find", { key: text, value: mood }, (a) => "error" in a || a.items?.length);`, [18047, 2531]],
  ["answer's attachment taken for granted", `root.emit("order", order, (a) => "error" in a || a.pdf.byteLength);`, `root.emit("order", order, (a) => "error" in a || a.pdf?.byteLength);`, [18047, 2531]],
  ["time taken for a Date", `root.emit("order", order, (a) => "error" in a || a.due.getTime());`, `root.emit("order", order, (a) => "error" in a || new Date(a.due).getTime());`, [2339, 2551]],
  ["error of a timeout not expected", `root.timeout(9).emit("count", text, (n: number) => n);`, `root.timeout(9).emit("count", text, (err, n) => [err, n]);`, 2345],
  ["ack behind a timeout missing", `root.timeout(9).emit("count", text);`, `root.timeout(9).emit("count", text, () => {});`, 2554],

  // listeners
  ["listener with a wrong type", `root.on("said", (n: number) => n);`, `root.on("said", (s: string) => s);`, 2345],
  ["listener of nullable data", `root.on("download", (data: ArrayBuffer) => data);`, `root.on("download", (data: ArrayBuffer | null) => data);`, 2345],
  ["listener with a parameter too many", `root.on("said", (s: string, more: string) => [s, more]);`, `root.on("said", (s: string) => s);`, 2345],
  ["listener of an event without argument", `root.on("hello", (s: string) => s);`, `root.on("hello", () => {});`, 2345],
  ["listener that uses another type", `root.on("said", (s) => s.toFixed());`, `root.on("said", (s) => s.length);`, [2339, 2551]],
  ["base64 taken for an attachment", `root.on("files", (f) => f.blob?.byteLength);`, `root.on("files", (f) => f.blob?.length);`, [2339, 2551]],
  ["optional field taken for granted", `root.on("optional", (o) => o.empty.length);`, `root.on("optional", (o) => o.empty?.length);`, [18048, 2532]],
  ["nullable field taken for granted", `root.on("optional", (o) => o.pointer.length);`, `root.on("optional", (o) => o.pointer?.length);`, [18047, 2531]],
  ["enum with a case that is not there", `root.on("mood", (m) => m === "lost");`, `root.on("mood", (m) => m === "sad");`, 2367],
  ["answer to the server of a wrong type", `root.on("alive", (ack) => ack("yes"));`, `root.on("alive", (ack) => ack(true));`, 2345],
  ["answer to the server missing", `root.on("alive", (ack) => ack());`, `root.on("alive", (ack) => ack(true));`, 2554],
  ["answer to the server with a wrong enum", `root.on("question", (key, ack) => ack({ key, value: 4 }));`, `root.on("question", (key, ack) => ack({ key, value: 3 }));`, 2322],
  ["answer to a question that is none", `root.on("said", (s, ack) => ack(s));`, `root.on("question", (key, ack) => ack({ key, value: 1 }));`, [2345, 7006]],

  // auth and refusals
  ["auth missing", `admin();`, `admin({ token: text });`, 2554],
  ["auth's field missing", `admin({});`, `admin({ token: text });`, [2345, 2741]],
  ["auth's field of a wrong type", `admin({ token: 7 });`, `admin({ token: text });`, 2322],
  ["auth's field misspelt", `admin({ token: text, sicne: 1 });`, `admin({ token: text, since: 1 });`, [2353, 2561]],
  ["optional auth's field of a wrong type", `gate({ seat: "7" });`, `gate();`, 2322],
  ["refusal's field misspelt", `refusal(admin({ token: text }), (data) => data?.rety);`, `refusal(admin({ token: text }), (data) => data?.retry);`, [2339, 2551]],

  // by the names of namespaces
  ["unknown namespace", `connect("/nowhere");`, `connect("/gate");`, 2345],
  ["pattern as a name", `connect("/tenant-{id}");`, `connect("/tenant-a");`, 2345],
  ["namespace without its auth", `connect("/admin");`, `connect("/admin", { auth: { token: text } });`, 2554],
  ["namespace with a wrong auth", `connect("/admin", { auth: { token: 7 } });`, `connect("/admin", { auth: { token: text } });`, 2322],
  ["function that sends a wrong auth", `connect("/admin", { auth: (send) => send({ tokn: text }) });`, `connect("/admin", { auth: (send) => send({ token: text }) });`, [2345, 2353, 2561]],
  ["event of another name", `connect("/tenant-a").emit("ban", text);`, `connect("/tenant-a").emit("say", 7);`, 2345],
  ["socket of another namespace", `const s: SocketOf<"/admin"> = connect("/gate"); s;`, `const s: SocketOf<"/gate"> = connect("/gate"); s;`, 2375],
  ["socket of one tenant for another's", `const s: SocketOf<"/tenant-a"> = connect("/tenant-b"); s;`, `const s: SocketOf<"/tenant-a"> = connect("/tenant-a"); s;`, 2375],
  ["event of another namespace on a socket by name", `users.emit("say", text);`, `users.emit("ban", text);`, 2345],

  // untyped
  ["event that is not untyped", `loose.emit("known", 7, () => {});`, `loose.emit("known", text, () => {});`, 2345],
].map(([name, wrong, right, ...codes]) => ({ name, wrong, right, codes: codes.flat() }));
