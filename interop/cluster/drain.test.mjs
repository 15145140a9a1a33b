// A rolling restart: three servers behind HAProxy, one after the other, under load.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Manager } from "socket.io-client";
import { freePort } from "../guarded.mjs";
import { behind } from "../proxies.mjs";
import { eventually, suite, target, test, within } from "./harness.mjs";

const names = ["g1", "g2", "g3"];
const transports = [["websocket"], ["polling"], ["polling", "websocket"]];
const clients = 60;
const drain = { do: "drain", notice: 3_000, period: 4_000, perSecond: 10 };

// busiest returns the most of some times, in ms, that lie within a second.
function busiest(times) {
  const sorted = times.toSorted((a, b) => a - b);
  return Math.max(0, ...sorted.map((from) => sorted.filter((at) => at >= from && at < from + 1_000).length));
}

// A Visitor is an official client, who stays.
class Visitor {
  left = [];     // when it was sent away
  back = [];     // when it was there again
  refused = [];  // errors of connecting

  constructor(t, url, transports) {
    this.transports = transports;
    this.manager = new Manager(url, { autoConnect: false, transports });
    t.after(() => {
      this.manager.reconnection(false);
      this.manager._close();
    });
    this.socket = this.manager.socket("/");
    this.socket.on("connect", () => this.left.length && this.back.push(Date.now()));
    this.socket.on("disconnect", (reason) => {
      this.reason = reason;
      this.left.push(Date.now());
    });
    this.socket.on("connect_error", (err) => this.refused.push(err));
  }

  async enter() {
    const connected = once(this.socket, "connect");
    this.socket.connect();
    await within("a client connects", connected);
    this.server = await this.work(0);
  }

  // work has the server do something for so long, which then answers with its name.
  async work(ms) {
    return (this.server = await this.socket.emitWithAck("work", ms));
  }
}

const body = (cluster) => {
  test(cluster, "one after the other", async (t, c) => {
    const ports = await Promise.all(names.map(freePort));
    const listen = (i) => ({ listen: `127.0.0.1:${ports[i]}`, relay: true });
    for (const [i, name] of names.entries()) await c.add(name, undefined, listen(i));
    const url = await behind(t, "haproxy", ports.map((port) => `127.0.0.1:${port}`));
    const visitors = [];
    const enough = () => names.every((name) => {
      const here = visitors.filter((v) => v.server === name);
      return here.length >= 10 && new Set(here.map((v) => String(v.transports))).size === 3;
    });
    while (visitors.length < clients || visitors.length < 2 * clients && !enough()) { // the balancer counts requests, not clients
      const n = visitors.length < clients ? visitors.length % 3 : Math.floor(Math.random() * 3);
      visitors.push(new Visitor(t, url, transports[n]));
      await visitors.at(-1).enter();
    }

    for (const [i, name] of names.entries()) {
      const here = visitors.filter((v) => v.server === name);
      assert.ok(here.length >= 10, `${here.length} clients are on ${name}`);
      for (const v of visitors) Object.assign(v, { left: [], back: [] });
      const kinds = new Set(here.map((v) => String(v.transports)));
      assert.equal(kinds.size, 3, `the clients of ${name} are of ${kinds.size} kinds`);
      const begun = Date.now();
      const drained = within(`${name} is drained`, c[name].begin(drain));
      await eventually(`${name} is not ready`, async () => (await fetch(`http://127.0.0.1:${ports[i]}/ready`)).status === 503);
      const answers = here.map((v) => v.work(drain.notice + 500));   // when it is their turn, or was

      // Who comes meanwhile is served, here or there.
      const guests = [];
      for (let n = 0; n < 20; n++) {
        const guest = new Visitor(t, url, transports[n % 3]);
        await guest.enter();
        assert.notEqual(guest.server, name);
        guests.push(guest);
      }
      for (const answer of answers) assert.equal(await within("an answer of who leaves", answer), name);
      await drained;
      const gone = visitors.filter((v) => v.left.length > 0);
      await within("everybody is back", Promise.all(gone.map((v) => v.back.length ? null : once(v.socket, "connect"))));
      for (const guest of guests) guest.manager._close();

      const left = gone.flatMap((v) => v.left);
      const back = gone.flatMap((v) => v.back);
      const away = gone.map((v) => v.back[0] - v.left[0]).sort((x, y) => x - y);
      t.diagnostic(`${name}: ${here.length} clients, and ${gone.length - here.length} of other servers, leave within ${Math.max(...left) - Math.min(...left)} ms; ` +
        `they are away for ${away[0]} to ${away.at(-1)} ms, half of them for ${away[away.length >> 1]} at most; in a second, ${busiest(left)} leave at most, and ${busiest(back)} come`);
      for (const v of visitors) {
        // An upgrade may have reached another server than that which has the session.
        const through = v.transports.length === 2 && v.left.length === 1;
        assert.ok(v.left.length === 1 && here.includes(v) || v.left.length === 0 && !here.includes(v) || through, `a client of ${v.server} over ${v.transports} leaves ${v.left.length} times`);
      }
      assert.deepEqual(new Set(gone.map((v) => v.reason)), new Set(["transport close"]));
      // The first leaves when the load balancer has noticed, and each has a turn. To be seen late, and several
      // together, is no harm.
      for (const [n, at] of left.toSorted((x, y) => x - y).entries()) {
        assert.ok(at >= begun + drain.notice + n * 1_000 / drain.perSecond - 20, `${n + 1} clients have left after ${at - begun} ms`);
      }
      assert.ok(busiest(back) <= 2 * drain.perSecond, `${busiest(back)} clients come back within a second`);
      assert.deepEqual([...visitors, ...guests].flatMap((v) => v.refused), []);

      await c.remove(c[name]);
      await c.add(name, undefined, listen(i));
      for (const v of visitors) await v.work(0);
      await eventually(`the load balancer knows that ${name} is there`, async () => {
        const guest = new Visitor(t, url, transports[0]);
        await guest.enter();
        guest.manager._close();
        return guest.server === name;
      });
    }
  }, 180_000);
};

// The reference has nothing of the kind.
if (target === "sio") suite("rolling restart", ["classic"], body, { servers: [] });
