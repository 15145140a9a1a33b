// The AsyncAPI document of a contract with everything in it: what the official parser says of it, and
// whether it tells the truth about the packets of the official client.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { Parser } from "@asyncapi/parser";
import Ajv from "ajv";
import formats from "ajv-formats";
import { io } from "socket.io-client";

const program = process.env.SERVER ?? join(import.meta.dirname, "../../.bin/asyncapi");

async function start(t, ...args) {
  const child = spawn(program, args, { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "inherit"] });
  t.after(async () => {
    child.kill();
    await once(child, "exit");
  });
  const [url] = await once(createInterface({ input: child.stdout }), "line");
  const text = await (await fetch(`${url}/?asyncapi.json`)).text();
  return { url, text };
}

async function parse(text) {
  const { document, diagnostics } = await new Parser().parse(text);
  assert.deepEqual(diagnostics, []);
  return document;
}

const ids = (all) => all.map((one) => one.id()).sort();

test("the parser has nothing to say of a server without handlers", async (t) => {
  const { text } = await start(t, "-empty");
  const document = await parse(text);
  assert.deepEqual(ids(document.channels().all()), ["root"]);
  assert.deepEqual(ids(document.operations().all()), ["root.connect"]);
});

test("the parser has nothing to say, and finds what there is", async (t) => {
  const { text } = await start(t);
  const document = await parse(text);
  assert.equal(document.info().title(), "The <shop> & its chat");
  assert.deepEqual(document.servers().all().map((s) => [s.url(), s.protocol()]).sort(),
    [["ws://localhost:3000/io/", "ws"], ["wss://shop.example.com/socket.io/", "wss"]]);

  const channels = Object.fromEntries(document.channels().all().map((c) => [c.id(), c.address()]));
  assert.deepEqual(channels, {
    root: "/", shop: "/shop", "func_1": null, "gr__e": "/größe", "tenant--id-": "/tenant--id-",
    "tenant-id_room-room": "/tenant-{id}/room-{room}",
  });
  const tenant = document.channels().get("tenant-id_room-room");
  assert.deepEqual(ids(tenant.parameters().all()), ["id", "room"]);

  const operations = document.operations();
  assert.deepEqual(ids(operations.filterByReceive()), [
    "func_1.connect", "gr__e.connect", "gr__e.receive._", "root.connect", "root.receive.ping_me", "root.receive.say",
    "shop.connect", "shop.receive.code", "shop.receive.gifts", "shop.receive.list", "shop.receive.nothing",
    "shop.receive.order", "shop.receive.show", "shop.receive.status_of_this_order", "shop.receive.upload",
    "tenant--id-.connect", "tenant--id-.receive.other", "tenant-id_room-room.connect",
    "tenant-id_room-room.receive.other", "tenant-id_room-room.receive.raw", "tenant-id_room-room.receive.say",
  ]);
  assert.deepEqual(ids(operations.filterBySend()), [
    "func_1.send.n", "root.send.notice", "root.send.tick", "shop.send.Gr__e", "shop.send.Gr__e_2", "shop.send.b",
    "shop.send.bridge", "shop.send.order", "shop.send.picture", "shop.send.sure", "shop.send.time", "shop.send.tree",
    "shop.send.which",
  ]);
  const replies = (id) => operations.get(id).reply()?.messages().all().map((m) => m.id());
  assert.deepEqual(replies("shop.connect"), ["connected", "connect_error"]);
  assert.deepEqual(replies("shop.receive.order"), ["receive.order.ack", "receive.order.failure"]);
  assert.deepEqual(replies("shop.send.sure"), ["send.sure.ack"]);
  assert.equal(replies("root.receive.say"), undefined);
  assert.equal(operations.all().filter((o) => o.reply()).length, 6 + 8 + 3 + 1 + 2, "connect, shop, untyped and any other, sent with an ack");

  const ack = document.channels().get("shop").messages().get("receive.order.ack");
  assert.equal(ack.correlationId().location(), "$message.header#/id");   // by a trait
  const order = document.components().schemas().get("OrderInput");
  assert.deepEqual(order.required(), ["item", "count", "email", "size"]);
  assert.equal(order.property("item").minLength(), 2);
  assert.match(order.description(), /^An Order is what a customer buys\./);
});

// A wire is what goes over the connection of a client, as packets.
class Wire {
  packets = [];
  #ajv = new Ajv({ strict: false, validateSchema: false });

  constructor(text) {
    this.document = JSON.parse(text);
    formats(this.#ajv);
    this.#ajv.addSchema(this.document, "document");
  }

  watch(manager) {
    const note = (by) => ({ type, data }) => {
      if (type !== "message" || typeof data !== "string") return;
      const [, digit, , namespace = "/", id, json] = data.match(/^(\d)(?:(\d+)-)?(?:(\/[^,]*),)?(\d+)?(.*)$/s);
      const headers = { type: ["CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK"][digit] };
      if (id !== undefined) headers.id = Number(id);
      this.packets.push({ by, namespace, headers, payload: json === "" ? null : JSON.parse(json) });
    };
    manager.on("open", () => manager.engine.on("packet", note("server")).on("packetCreate", note("client")));
  }

  #fits(where, value) {
    return this.#ajv.compile({ $ref: `document#${where}` })(value);
  }

  // messages returns the ids of the messages of the document that a packet can be.
  messages({ by, namespace, headers, payload }) {
    const matches = ({ address }) => address !== null &&
      new RegExp(`^${address.replace(/{\w+}/g, ".+")}$`).test(namespace);
    const [id, channel] = Object.entries(this.document.channels).find(([, c]) => matches(c));
    const sent = new Set();   // by the same side
    for (const o of Object.values(this.document.operations)) {
      if (o.channel.$ref !== `#/channels/${id}`) continue;
      for (const m of (o.action === "receive") === (by === "client") ? o.messages : o.reply?.messages ?? []) sent.add(m.$ref.split("/").pop());
    }
    return Object.keys(channel.messages).filter((message) => {
      const where = `/channels/${id}/messages/${message}`;
      const [trait] = channel.messages[message].traits;
      return sent.has(message) && this.#fits(`${trait.$ref.slice(1)}/headers`, headers) && this.#fits(`${where}/payload`, payload);
    });
  }
}

const answered = (socket, event, ...args) => socket.timeout(10_000).emitWithAck(event, ...args);
const entered = (socket) => Promise.race([once(socket, "connect"), once(socket, "connect_error").then(([err]) => { throw err; })]);

test("what goes over the wire is what the document says", async (t) => {
  const { url, text } = await start(t);
  const wire = new Wire(text);
  const open = (namespace, auth) => {
    const socket = io(url + namespace, { forceNew: true, transports: ["websocket"], autoConnect: false, reconnection: false, auth });
    t.after(() => socket.disconnect());
    wire.watch(socket.io);
    return socket.connect();
  };

  await assert.rejects(entered(open("/", { token: "something else" })), { message: "no" });
  await assert.rejects(entered(open("/", { token: "short" })), ({ data }) => data.fields[0].field === "token");
  const root = open("/", { token: "let me in" });
  await entered(root);
  let heard = once(root, "notice");
  root.emit("say", "hello");
  await heard;
  heard = once(root, "tick");
  root.emit("ping me");
  await heard;

  const shop = open("/shop");
  await entered(shop);
  const order = {
    id: "12345678901234567", item: "tea", count: 2, email: "a@example.com", size: "M", tags: ["x"], status: "placed", priority: 1, price: 1.5,
    placed: new Date(), picture: new Uint8Array([1, 2, 3]), gift: { to: "B", all: [null, { to: "", all: null }] }, parts: [],
    extra: { any: [1, new Uint8Array([4])] }, point: [1, 2], box: { w: 1 },
  };
  assert.equal((await answered(shop, "order", order)).item, "tea");
  assert.deepEqual((await answered(shop, "order", { ...order, count: 13 })).error.data, { left: 12 });
  assert.deepEqual(await answered(shop, "order", { ...order, count: 14 }), { error: { message: "no" } });
  assert.deepEqual((await answered(shop, "order", { ...order, item: "x" })).error.data.fields, [{ field: "item", rule: "min", param: "2" }]);
  await answered(shop, "list");
  await answered(shop, "gifts", [{ to: "B", all: [] }, null]);
  await answered(shop, "nothing", 7);
  assert.equal(await answered(shop, "code", "a-b"), "a-b");
  assert.ok((await answered(shop, "code", "ab")).error);
  assert.equal(await answered(shop, "upload", new Uint8Array(5)), 5);
  await answered(shop, "status/of:this~order", "packed");
  shop.on("sure?", (question, ack) => ack(true));
  shop.on("which", (ack) => ack(order));
  assert.equal((await answered(shop, "show", order)).item, "tea");
  for (const [event, wrong] of [["gifts", [{ all: [] }, 1]], ["nothing", "x"], ["upload", { a: 1 }], ["status/of:this~order", 7], ["show", { ...order, count: 0 }]]) {
    assert.ok((await answered(shop, event, wrong)).error, event);
  }

  const tenant = open("/tenant-7/room-a");
  await entered(tenant);
  tenant.emit("say", "hello");
  assert.equal(await answered(tenant, "raw", 1, "two"), "any");
  await answered(tenant, "what is this", 3);

  const seen = new Set(), asked = new Map();
  let unfit = 0;
  for (const packet of wire.packets) {
    const { by, namespace, headers: { type, id }, payload } = packet;
    if (type === "DISCONNECT") continue;
    const messages = wire.messages(packet);
    const what = JSON.stringify(packet);
    if (type.includes("ACK")) {   // those of several events can look the same
      const { event, fits } = asked.get(`${namespace} ${id} of the ${by === "client" ? "server" : "client"}`);
      const answer = `${event}.${payload[0]?.error ? "failure" : "ack"}`;
      assert.ok(messages.includes(answer), `${what} is not ${answer}`);
      assert.ok(fits || answer.endsWith(".failure"), `what does not fit is not refused, but has the answer ${what}`);
      seen.add(`${namespace} ${answer}`);
      continue;
    }
    const fits = messages.length > 0;
    if (id !== undefined) asked.set(`${namespace} ${id} of the ${by}`, { event: messages[0] ?? `receive.${payload[0].replace(/[^\w.-]/g, "_")}`, fits });
    if (!fits) {
      assert.equal(by, "client", `${what} does not fit`);
      unfit++;
      continue;
    }
    assert.equal(messages.length, 1, `${what} is ${messages}`);
    seen.add(`${namespace} ${messages[0]}`);
  }
  assert.equal(unfit, 7, "an auth, an order, and one of each event that has an argument to be wrong");
  const missing = Object.values(wire.document.channels).filter((c) => ["/", "/shop"].includes(c.address))
    .flatMap((c) => Object.keys(c.messages).map((m) => `${c.address} ${m}`)).filter((m) => !seen.has(m));
  assert.deepEqual(missing, ["/shop connect_error", "/shop receive.list.failure"]);   // nobody is refused, nothing can be wrong
});
