/** The project's style, as far as a machine can check it. `CONTRIBUTING.md` says the rest. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { staleFiles } from "../src/cli/generate.ts";
import { errorCatalogue } from "../src/component/error_catalogue.ts";

const ROOT = resolve(import.meta.dirname, "..");
const FILE_LINES_MAX = 500;
const LINE_LENGTH_MAX = 100;
const COMPONENT_FOLDER = /^(receivers|processors|exporters)\/([^/]+)\//;
const TOP_LEVEL = new Set([
  ...["src", "processors", "receivers", "exporters", "config", "test", "docs", "packaging", ".ci"],
  ...["package.json", "package-lock.json", "tsconfig.json"],
  ...["README.md", "CONTRIBUTING.md", "LICENSE"],
]);

const tracked = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(ROOT, path)));
const sources = tracked.filter((path) => path.endsWith(".ts"));
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** Fails with one line for each finding, so that all are seen at once. */
function assertNone(findings: readonly string[]): void {
  assert.equal(findings.join("\n"), "");
}

test("the top level holds what was asked for and dotfiles", () => {
  const names = new Set(tracked.map((path) => path.split("/")[0]!));
  assertNone([...names].filter((name) => !TOP_LEVEL.has(name) && !name.startsWith(".")));
});

test("no source file is longer than one can hold in mind", () => {
  const findings: string[] = [];
  for (const path of sources) {
    const lines = read(path).split("\n");
    if (lines.length > FILE_LINES_MAX) findings.push(`${path}: ${lines.length} lines`);
    lines.forEach((line, index) => {
      if (line.length <= LINE_LENGTH_MAX || /^\s*(\/\/|\*|"|'|`)/.test(line)) return;
      findings.push(`${path}:${index + 1}: ${line.length} characters`);
    });
  }
  assertNone(findings);
});

test("a component imports the engine's contracts and itself, never another component", () => {
  const allowed = /^(src\/(component|data|otlp|lib)\/|config\/values\.ts$)/;
  const findings: string[] = [];
  for (const path of sources) {
    const own = COMPONENT_FOLDER.exec(path)?.[0];
    if (own === undefined) continue;
    for (const [, name] of read(path).matchAll(/from "(\.[^"]+)"/g)) {
      const target = relative(ROOT, resolve(ROOT, dirname(path), name!));
      const isTest = path.endsWith(".test.ts") || path.includes("/testing/");
      const inTest = isTest && target.startsWith("src/testing/");
      if (target.startsWith(own) || allowed.test(target) || inTest) continue;
      findings.push(`${path} imports ${target}`);
    }
  }
  assertNone(findings);
});

test("the contracts and the data model depend on no part of the engine", () => {
  const findings: string[] = [];
  for (const path of sources.filter((path) => /^src\/(component|data)\//.test(path))) {
    for (const [, name] of read(path).matchAll(/from "(\.[^"]+)"/g)) {
      const target = relative(ROOT, resolve(ROOT, dirname(path), name!));
      if (!/^src\/(component|data)\//.test(target)) findings.push(`${path} imports ${target}`);
    }
  }
  assertNone(findings);
});

test("only src/main.ts and programs of their own end the process", () => {
  const programs = /^(src\/(main|launch|demo\/shop)\.[jt]s|test\/|src\/cli\/generate\.ts)/;
  assertNone(
    sources.filter((path) => !programs.test(path) && /\bprocess\.exit\(/.test(read(path))),
  );
});

test("no test sleeps: it waits for a condition or moves a fake clock", () => {
  const sleep = /setTimeout\((resolve|wake|done)\b|timers\/promises/;
  const waiter = "src/testing/wait_until.ts";
  assertNone(
    sources.filter(
      (path) => path.endsWith(".test.ts") && path !== waiter && sleep.test(read(path)),
    ),
  );
});

test("randomness that matters never comes from Math.random", () => {
  const word = ["Math", "random"].join(".");
  assertNone(sources.filter((path) => read(path).includes(`${word}(`)));
});

test("every error code of the catalogue is used, and every component is whole", () => {
  const code = sources
    .filter((path) => !path.endsWith("error_catalogue.ts"))
    .map(read)
    .join("\n");
  const unused = Object.keys(errorCatalogue).filter((name) => !code.includes(`"${name}"`));
  const folders = new Set(sources.flatMap((path) => COMPONENT_FOLDER.exec(path)?.[0] ?? []));
  const missing = [...folders].flatMap((folder) =>
    ["config.ts", "factory.ts", "README.md"]
      .map((name) => `${folder}${name}`)
      .filter((path) => !existsSync(join(ROOT, path))),
  );
  assertNone([...unused, ...missing]);
});

test("generated files are fresh (npm run generate)", async () => {
  assertNone(await staleFiles());
});

test("every dependency has its line in docs/dependencies.md", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json"));
  const text = read("docs/dependencies.md");
  const all = { ...dependencies, ...devDependencies };
  assertNone(Object.keys(all).filter((name) => !text.includes(`\`${name}\` ${all[name]}`)));
});

test("the lock file names no download address", () => {
  assertNone([...read("package-lock.json").matchAll(/"resolved":.*/g)].map(([line]) => line));
});

test("links between the documents lead somewhere", () => {
  const findings: string[] = [];
  for (const path of tracked.filter((path) => path.endsWith(".md"))) {
    for (const [, target] of read(path).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      if (!existsSync(join(ROOT, dirname(path), target!))) findings.push(`${path}: ${target}`);
    }
  }
  assertNone(findings);
});
