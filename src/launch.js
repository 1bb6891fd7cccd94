#!/usr/bin/env node
// The `vouchsafe` command. In a clone it runs the TypeScript sources, in a package, which has none,
// the built ones. It is plain JavaScript so that a Node.js too old for the sources still gets this far, and
// then hands over to the Node.js that the clone installed for itself.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const OLDEST = [24, 12];

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const recentEnough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
const sources = new URL("./main.ts", import.meta.url);
const program = existsSync(sources) ? sources : new URL("../dist/src/main.js", import.meta.url);

if (recentEnough) {
  await import(program.href);
} else {
  const own = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));
  if (!existsSync(own)) {
    process.stderr.write(
      `vouchsafe: needs Node.js ${OLDEST.join(".")} or newer, this is ${process.versions.node}\n`,
    );
    process.exit(1);
  }
  const child = spawn(own, [fileURLToPath(program), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("exit", (code) => process.exit(code ?? 1));
}
