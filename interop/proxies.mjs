// nginx and HAProxy, as docs/scaling.md has them.

import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort, guarded } from "./guarded.mjs";

const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };   // Debian has them there
const proxies = {
  nginx: (dir, config) => {
    writeFileSync(join(dir, "conf"), `
      daemon off;
      pid ${dir}/pid;
      master_process off;   # it is killed, and has no workers to end
      events {}
      http {
        access_log off;
        ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${dir}/${name};`).join("\n")}
        ${config}
      }`);
    return guarded("nginx", ["-p", dir, "-c", "conf", "-e", "stderr"], { env });
  },
  haproxy: (dir, config) => {
    writeFileSync(join(dir, "conf"), config);
    return guarded("haproxy", ["-db", "-f", join(dir, "conf")], { env });
  },
};

// behind serves what the guide says of a proxy, less what edit makes of it, in front of servers at
// these addresses, and returns its URL. It ends with the test.
export async function behind(t, name, addrs, edit = (config) => config) {
  const guide = readFileSync(new URL("../docs/scaling.md", import.meta.url), "utf8");
  let config = guide.match(new RegExp(`^\`\`\`${name}\n(.*?)^\`\`\`$`, "ms"))[1];
  for (const [i, addr] of addrs.entries()) config = config.replace(`10.0.0.${i + 1}:3000`, addr);
  config = edit(config);
  const listen = `127.0.0.1:${await freePort()}`;
  config = config.replace("listen 80;", `listen ${listen};`).replace("bind :80\n", `bind ${listen}\n`);
  const dir = mkdtempSync(join(tmpdir(), "sio-proxy-"));
  const child = proxies[name](dir, config);
  const exit = once(child, "exit");
  t.after(async () => {
    child.stdin.end();
    await exit;
    rmSync(dir, { recursive: true });
  });
  const ended = exit.then(([code]) => { throw new Error(`${name} ended with code ${code}`); });
  ended.catch(() => {});
  const url = `http://${listen}`;
  const there = () => fetch(`${url}/ready`).then((response) => response.ok, () => false);
  while (!await Promise.race([there(), ended])) await delay(20);
  return url;
}
