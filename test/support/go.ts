/** Go programs that use nothing but Go and Debian's package of golang.org/x/mod. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { skipWithout } from "./tools.ts";

/** Where Debian's golang-golang-x-mod-dev puts its sources. */
const GO_PATH = "/usr/share/gocode";

/** As {@link skipWithout}. */
export function skipWithoutStockGo(): string | false {
  const missing = skipWithout("go");
  if (missing !== false) return missing;
  if (existsSync(join(GO_PATH, "src/golang.org/x/mod/sumdb/tlog"))) return false;
  if (process.env.REQUIRE_TOOLS === "1") throw new Error("golang-golang-x-mod-dev is required");
  return "needs Debian's golang-golang-x-mod-dev";
}

/** Builds a program of one file into a folder. Returns the program's path. */
export function buildWithStockGo(source: string, folder: string): string {
  const program = join(folder, basename(dirname(source)));
  execFileSync("go", ["build", "-o", program, source], {
    env: {
      ...process.env,
      GO111MODULE: "off",
      GOPATH: GO_PATH,
      GOFLAGS: "",
      GOTOOLCHAIN: "local",
      GOCACHE: join(folder, "go-cache"),
    },
  });
  return program;
}
