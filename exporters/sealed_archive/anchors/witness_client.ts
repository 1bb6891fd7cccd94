/**
 * Has witnesses cosign the newest checkpoint, on a timer (c2sp.org/tlog-witness).
 *
 * Invariant: nothing waits for a witness, and a cosignature is kept only when it is valid for the
 * witness's configured key. Of each hour the last anchor stays.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../../src/component/settings.ts";
import { writeFileDurably } from "../../../src/lib/durable_file.ts";
import type { Checkpoint } from "../format/checkpoint.ts";
import { openCosignature } from "../format/cosignature.ts";
import type { NoteVerifier } from "../format/note.ts";
import { signatureLine, signaturesBy, splitNote } from "../format/note.ts";
import { consistencySpans } from "../format/tree_proof.ts";
import { readIfThere } from "../optional_file.ts";
import type { LogFiles } from "../reader/log_files.ts";
import { TileHashes } from "../reader/tile_hashes.ts";
import { makePublicDirectory } from "../writer/archive_directory.ts";
import { PUBLIC_FILE_MODE } from "../writer/segment_files.ts";
import { ANCHORS_FOLDER, anchorFileName } from "./anchor_files.ts";

const ANSWER_LENGTH_MAX = 64 * 1024;

export interface WitnessAddress {
  /** The submission prefix, without a slash at its end. */
  readonly url: string;
  readonly verifier: NoteVerifier;
}

/** What one witness did with a checkpoint. */
export type WitnessOutcome =
  | { readonly status: "cosigned" }
  /** It has seen more of the log, or another history: this archive was put back, or forked. */
  | { readonly status: "contradicted"; readonly reason: string }
  | { readonly status: "failed"; readonly reason: string };

export interface WitnessClientOptions {
  readonly files: LogFiles;
  readonly log: NoteVerifier;
  readonly witnesses: readonly WitnessAddress[];
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export class WitnessClient {
  readonly #options: WitnessClientOptions;
  /** By vkey, the size that the witness cosigned last; a witness says it when we do not know. */
  readonly #sizes = new Map<string, number>();
  readonly #ended = new AbortController();
  /** The anchor that this run wrote last. */
  #newest: { readonly path: string; readonly hour: number } | undefined;

  constructor(options: WitnessClientOptions) {
    this.#options = options;
  }

  /**
   * Asks all witnesses at once, for the newest checkpoint. Returns what each did, by its name. Throws
   * what reading the log and writing the anchor throws. Calls must not overlap.
   */
  async round(): Promise<Map<string, WitnessOutcome>> {
    const { files, log, witnesses } = this.#options;
    const { checkpoint, note, problem } = await files.readCheckpoint(log);
    const outcomes = new Map<string, WitnessOutcome>();
    if (problem !== undefined) return outcomes;
    const lines: string[] = [];
    const asked = witnesses.map(async (witness) => {
      const { name } = witness.verifier;
      try {
        const answer = await this.#ask(witness, checkpoint, note.toString());
        if (typeof answer === "string") lines.push(answer);
        outcomes.set(name, typeof answer === "string" ? { status: "cosigned" } : answer);
      } catch (error) {
        outcomes.set(name, { status: "failed", reason: reasonOf(error) });
      }
    });
    await Promise.all(asked);
    if (lines.length > 0) await this.#keep(checkpoint.size, note.toString(), lines);
    return outcomes;
  }

  /** Ends what waits for an answer, for good. */
  abort(): void {
    this.#ended.abort(new Error("the archive is closed"));
  }

  /** The lines of the witness's cosignatures, or why there are none. */
  async #ask(
    witness: WitnessAddress,
    checkpoint: Checkpoint,
    note: string,
  ): Promise<string | WitnessOutcome> {
    const { vkey } = witness.verifier;
    for (let tries = 0; tries < 3; tries++) {
      const oldSize = this.#sizes.get(vkey) ?? 0;
      const { status, text } = await this.#post(
        witness,
        await this.#request(oldSize, checkpoint, note),
      );
      if (status === 200) {
        const lines = cosignaturesOf(note, text, witness.verifier);
        if (lines === undefined)
          return { status: "failed", reason: "its cosignature is not valid" };
        this.#sizes.set(vkey, checkpoint.size);
        return lines;
      }
      if (status === 422) {
        return { status: "contradicted", reason: "it has seen another history of this log" };
      }
      const known = /^(0|[1-9]\d{0,15})\n?$/.test(text) ? Number(text) : undefined;
      if (status !== 409 || known === undefined) {
        return { status: "failed", reason: `it answers ${status}` };
      }
      if (known > checkpoint.size) {
        const reason = `it has seen ${known} entries of this log, which has ${checkpoint.size}`;
        return { status: "contradicted", reason };
      }
      this.#sizes.set(vkey, known);
    }
    return { status: "failed", reason: "it names another size each time" };
  }

  async #request(oldSize: number, { size }: Checkpoint, note: string): Promise<string> {
    const spans = consistencySpans(oldSize, size);
    const hashes = await new TileHashes(this.#options.files, size).ofSpans(spans);
    const lines = [`old ${oldSize}`, ...hashes.map((hash) => hash.toString("base64"))];
    return `${lines.join("\n")}\n\n${note}`;
  }

  async #post({ url }: WitnessAddress, body: string): Promise<{ status: number; text: string }> {
    const { clock, timeoutMs } = this.#options;
    const late = new AbortController();
    const cancel = clock.setTimer(timeoutMs, () => late.abort(new Error("it did not answer")));
    try {
      const options = {
        method: "POST",
        body,
        signal: AbortSignal.any([late.signal, this.#ended.signal]),
        redirect: "error",
      } as const;
      const response = await fetch(`${url}/add-checkpoint`, options);
      let text = "";
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk, { stream: true });
        if (text.length > ANSWER_LENGTH_MAX) throw new Error("its answer is too long");
      }
      return { status: response.status, text };
    } finally {
      cancel();
    }
  }

  async #keep(size: number, note: string, lines: readonly string[]): Promise<void> {
    const folder = join(this.#options.files.archive, ANCHORS_FOLDER);
    const path = join(folder, anchorFileName(size));
    await makePublicDirectory(folder);
    const before = (await readIfThere(path))?.toString() ?? note;
    await writeFileDurably(path, this.#merge(note, before, lines), PUBLIC_FILE_MODE);
    const hour = Math.floor(this.#options.clock.nowMs() / 3_600_000);
    const previous = this.#newest;
    this.#newest = { path, hour };
    if (previous?.hour === hour && previous.path !== path) await rm(previous.path, { force: true });
  }

  /** With what witnesses that did not answer now have said of the same checkpoint before. */
  #merge(note: string, before: string, lines: readonly string[]): string {
    const answered = note + lines.join("");
    const silent = this.#options.witnesses.filter(
      ({ verifier }) => openCosignature(answered, verifier).status === "absent",
    );
    const kept = silent.flatMap(({ verifier }) =>
      openCosignature(before, verifier).status === "valid"
        ? signaturesBy(verifier, splitNote(before)!).map((bytes) => signatureLine(verifier, bytes))
        : [],
    );
    return answered + kept.join("");
  }
}

/** The lines of this witness in its answer; undefined unless all of them are valid. */
function cosignaturesOf(note: string, answer: string, witness: NoteVerifier): string | undefined {
  const cosigned = note + answer;
  if (openCosignature(cosigned, witness).status !== "valid") return undefined;
  const lines = signaturesBy(witness, splitNote(cosigned)!);
  return lines.map((bytes) => signatureLine(witness, bytes)).join("");
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
