/** The program journalctl as a stream of entries. */
import type { ChildProcessByStdio } from "node:child_process";
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { AgentError, describeError } from "../../src/component/errors.ts";
import { printable } from "../../src/lib/printable.ts";
import type { JournalEntry } from "./export_parser.ts";
import { ExportParser } from "./export_parser.ts";

/** What is kept of its complaints, which are about journals, not about what is in them. */
const COMPLAINT_LENGTH_MAX = 300;

export interface Entries {
  readonly entries: readonly JournalEntry[];
  /** Bytes that they came from, with those of an entry that is not complete yet. */
  readonly bytes: number;
}

export class Journalctl {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #sizeMax: number;
  readonly #closed: Promise<number | string>;
  #complaint = "";

  constructor(program: string, words: readonly string[], sizeMax: number) {
    this.#sizeMax = sizeMax;
    this.#child = spawn(program, words, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, LC_ALL: "C" },
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#complaint = (this.#complaint + text).slice(0, COMPLAINT_LENGTH_MAX);
    });
    const { promise, resolve } = Promise.withResolvers<number | string>();
    this.#closed = promise;
    this.#child.once("error", (error) => resolve(describeError(error)));
    this.#child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
  }

  /** Read only as fast as they are asked for. @throws AgentError `journald.malformed` */
  async *entries(): AsyncGenerator<Entries> {
    const parser = new ExportParser(this.#sizeMax);
    for await (const piece of this.#child.stdout as AsyncIterable<Buffer>) {
      yield { entries: parser.push(piece), bytes: piece.length };
    }
  }

  /** Resolves to an error when it could not be run or did not end with success. */
  async ended(): Promise<AgentError | undefined> {
    this.#child.stdout.resume();
    const outcome = await this.#closed;
    if (outcome === 0) return undefined;
    const complaint = printable(this.#complaint.trim());
    const said = complaint === "" ? "" : `: ${complaint}`;
    return new AgentError("journald.failed", `journalctl ended with ${outcome}${said}`);
  }

  kill(): void {
    this.#child.kill("SIGTERM");
  }
}
