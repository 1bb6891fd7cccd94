/**
 * A small file of secrets that may change while the agent runs.
 *
 * Invariant: what cannot be read or understood any more lets nobody in who was not let in before.
 */
import { readFile, stat } from "node:fs/promises";
import { AgentError, describeError } from "../../component/errors.ts";
import type { Settings } from "../../component/settings.ts";
import { exposedMode } from "../exposed_file.ts";

const LOOK_EVERY_MS = 1_000;
const FILE_BYTES_MAX = 1024 * 1024;

export class SecretFile<Parsed> {
  readonly #path: string;
  readonly #settings: Pick<Settings, "clock" | "logger">;
  readonly #parse: (text: string) => Parsed;
  #parsed: Parsed;
  #seen: string;
  #lookAtMs: number;

  private constructor(
    path: string,
    settings: Pick<Settings, "clock" | "logger">,
    parse: (text: string) => Parsed,
    first: { readonly parsed: Parsed; readonly seen: string },
  ) {
    this.#path = path;
    this.#settings = settings;
    this.#parse = parse;
    this.#parsed = first.parsed;
    this.#seen = first.seen;
    this.#lookAtMs = settings.clock.nowMs() + LOOK_EVERY_MS;
  }

  /** @throws AgentError `auth.unusable`, `storage.insecure`, and those of `parse`. */
  static async open<Parsed>(
    path: string,
    settings: Pick<Settings, "clock" | "logger">,
    parse: (text: string) => Parsed,
  ): Promise<SecretFile<Parsed>> {
    return new SecretFile(path, settings, parse, await read(path, parse));
  }

  /** What the file holds, as of a second ago. */
  async current(): Promise<Parsed> {
    const nowMs = this.#settings.clock.nowMs();
    if (nowMs < this.#lookAtMs) return this.#parsed;
    this.#lookAtMs = nowMs + LOOK_EVERY_MS;
    try {
      if ((await versionOf(this.#path)) === this.#seen) return this.#parsed;
      const { parsed, seen } = await read(this.#path, this.#parse);
      this.#parsed = parsed;
      this.#seen = seen;
      this.#settings.logger.info("credentials were read again", { path: this.#path });
    } catch (error) {
      this.#settings.logger.error("changed credentials cannot be used; the old ones stay", {
        path: this.#path,
        error: describeError(error),
      });
    }
    return this.#parsed;
  }
}

async function versionOf(path: string): Promise<string> {
  const { ino, size, mtimeMs } = await stat(path);
  return `${ino} ${size} ${mtimeMs}`;
}

async function read<Parsed>(
  path: string,
  parse: (text: string) => Parsed,
): Promise<{ parsed: Parsed; seen: string }> {
  let text: string;
  let seen: string;
  try {
    seen = await versionOf(path);
    text = await readFile(path, "utf8");
  } catch (cause) {
    const problem = `${path}: cannot be read (${describeError(cause)})`;
    throw new AgentError("auth.unusable", problem, { cause });
  }
  const exposed = await exposedMode(path);
  if (exposed !== undefined) {
    const mode = exposed.toString(8);
    const problem = `everybody can use ${path} (mode ${mode}); run: chmod go-rwx ${path}`;
    throw new AgentError("storage.insecure", problem);
  }
  if (text.length > FILE_BYTES_MAX) {
    throw new AgentError("auth.unusable", `${path}: is larger than ${FILE_BYTES_MAX} bytes`);
  }
  return { parsed: parse(text), seen };
}
