/** A PostgreSQL server of its own for a test, from the system's package. */
import type { ChildProcess } from "node:child_process";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import postgres from "postgres";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { waitUntil } from "../../src/testing/wait_until.ts";
import { freePorts } from "./agent.ts";

const run = promisify(execFile);
const PROGRAMS = "/usr/lib/postgresql";
/** PostgreSQL refuses to run as root. */
const UNPRIVILEGED = "nobody";

/** The `skip` option: false when the server is installed, else the reason; see `skipWithout`. */
export async function skipWithoutPostgres(): Promise<string | false> {
  if ((await programFolder()) !== undefined) return false;
  const reason = "needs the server of PostgreSQL";
  if (process.env.REQUIRE_TOOLS === "1") throw new Error(`${reason}, and REQUIRE_TOOLS is set`);
  return reason;
}

async function programFolder(): Promise<string | undefined> {
  const versions = await readdir(PROGRAMS).catch(() => []);
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(PROGRAMS, newest, "bin");
}

export class TestPostgres {
  readonly #folder: string;
  readonly #programs: string;
  readonly #owner: { uid?: number; gid?: number };
  #port = 0;
  #server: ChildProcess | undefined;

  private constructor(folder: string, programs: string, owner: { uid?: number; gid?: number }) {
    this.#folder = folder;
    this.#programs = programs;
    this.#owner = owner;
  }

  /** A running server that listens on loopback only; it ends with the test. */
  static async start(t: TestContext): Promise<TestPostgres> {
    const folder = await temporaryDirectory(t);
    const owner: { uid?: number; gid?: number } = {};
    if (process.getuid?.() === 0) {
      const idOf = async (flag: string): Promise<number> =>
        Number((await run("id", [flag, UNPRIVILEGED])).stdout);
      owner.uid = await idOf("-u");
      owner.gid = await idOf("-g");
      await chown(folder, owner.uid, owner.gid);
    }
    const server = new TestPostgres(folder, (await programFolder())!, owner);
    const data = ["-D", server.#data, "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync"];
    await run(join(server.#programs, "initdb"), data, { ...owner, cwd: folder });
    const [port] = (await freePorts(1)) as [number];
    server.#port = port;
    await writeFile(
      join(server.#data, "postgresql.conf"),
      `listen_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = ''\n`,
    );
    await server.up();
    t.after(() => server.down());
    return server;
  }

  get #data(): string {
    return join(this.#folder, "data");
  }

  get url(): string {
    return `postgres://test@127.0.0.1:${this.#port}/postgres`;
  }

  async up(): Promise<void> {
    const options = { ...this.#owner, cwd: this.#folder, stdio: "ignore" as const };
    this.#server = spawn(join(this.#programs, "postgres"), ["-D", this.#data], options);
    await waitUntil("the database answers", async () => {
      const sql = postgres(this.url, { max: 1, onnotice: () => {} });
      try {
        await sql`SELECT 1`;
        return true;
      } catch {
        return false;
      } finally {
        await sql.end({ timeout: 0 });
      }
    });
  }

  /** As a crash of the machine would: connections break, nothing is finished. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined || server.exitCode !== null) return;
    const ended = once(server, "exit");
    server.kill("SIGQUIT");
    await ended;
  }

  async query(text: string): Promise<readonly Record<string, unknown>[]> {
    const sql = postgres(this.url, { max: 1 });
    try {
      return [...(await sql.unsafe(text))];
    } finally {
      await sql.end();
    }
  }
}
