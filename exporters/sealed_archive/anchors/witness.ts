/**
 * A witness (c2sp.org/tlog-witness): cosigns checkpoints of the logs that it knows, each only when it
 * continues the one before.
 *
 * Invariant: of each log it signs one history. What it signs is on disk before the answer leaves,
 * and a record that cannot be read is an error, never a fresh start.
 *
 * Trust: `<SHA-256 of the origin>.cp` in the witness's folder: the newest checkpoint that it
 * cosigned. It carries the witness's own cosignature, so a changed one is noticed. Who can put an
 * older one back can have a second history signed from there on.
 */
import { join } from "node:path";
import { AgentError } from "../../../src/component/errors.ts";
import type { Clock } from "../../../src/component/settings.ts";
import { writeFileDurably } from "../../../src/lib/durable_file.ts";
import type { Checkpoint } from "../format/checkpoint.ts";
import { parseCheckpoint } from "../format/checkpoint.ts";
import { cosign, openCosignature } from "../format/cosignature.ts";
import { sha256, treeRoot } from "../format/merkle.ts";
import type { NoteSigner, NoteVerifier } from "../format/note.ts";
import { openNote, signatureLine, signaturesBy, splitNote } from "../format/note.ts";
import { decodeHashes } from "../format/tlog_proof.ts";
import { isConsistent } from "../format/tree_proof.ts";
import { readIfThere } from "../optional_file.ts";

export interface WitnessOptions {
  /** Its own, private and locked by the caller. */
  readonly directory: string;
  readonly signer: NoteSigner;
  /** One key for each origin, which is the key's name. */
  readonly logs: readonly NoteVerifier[];
  readonly clock: Clock;
}

export interface WitnessAnswer {
  /** An HTTP status. */
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly body: string;
}

interface Request {
  readonly oldSize: number;
  readonly proof: readonly Buffer[];
  readonly note: string;
  readonly checkpoint: Checkpoint;
}

export class Witness {
  readonly #options: WitnessOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** Answers one request after the other. Throws `storage.corrupt` and what writing throws. */
  addCheckpoint(body: string): Promise<WitnessAnswer> {
    const answer = this.#last.then(() => this.#answer(body));
    this.#last = answer.catch(() => {});
    return answer;
  }

  /** The newest cosigned checkpoint of a log, by the hex SHA-256 of its origin. */
  async latest(originHash: string): Promise<string | undefined> {
    const log = this.#options.logs.find(({ name }) => hashOf(name) === originHash);
    return log === undefined ? undefined : (await this.#read(log.name))?.note;
  }

  async #answer(body: string): Promise<WitnessAnswer> {
    const request = parseRequest(body);
    if (request === undefined) return refuse(400, "it is no add-checkpoint request");
    const { checkpoint, note, oldSize, proof } = request;
    const { origin, size, root } = checkpoint;
    const log = this.#options.logs.find(({ name }) => name === origin);
    if (log === undefined) return refuse(404, "the log is not known here");
    if (openNote(note, log).status !== "valid") return refuse(403, "the log's key did not sign it");
    if (oldSize > size) return refuse(400, "the old size is above the checkpoint's");
    const known = (await this.#read(origin))?.checkpoint ?? { size: 0, root: treeRoot([]) };
    if (known.size !== oldSize) return { status: 409, body: `${known.size}\n` };
    if (size === 0 && !root.equals(treeRoot([]))) return refuse(422, "an empty log has this root");
    if (!isConsistent(known, checkpoint, proof)) {
      return refuse(422, "it does not continue the log as it was seen");
    }
    return { status: 200, body: await this.#cosign(note, log) };
  }

  async #cosign(note: string, log: NoteVerifier): Promise<string> {
    const { signer, clock } = this.#options;
    const split = splitNote(note)!;
    const line = cosign(split.text, signer, Math.floor(clock.nowMs() / 1000));
    const own = signaturesBy(log, split).map((bytes) => signatureLine(log, bytes));
    const content = `${split.text}\n${own.join("")}${line}`;
    await writeFileDurably(this.#path(log.name), content);
    return line;
  }

  async #read(origin: string): Promise<{ checkpoint: Checkpoint; note: string } | undefined> {
    const path = this.#path(origin);
    const note = (await readIfThere(path))?.toString();
    if (note === undefined) return undefined;
    const isOurs = openCosignature(note, this.#options.signer.verifier).status === "valid";
    const checkpoint = isOurs ? parseCheckpoint(splitNote(note)!.text) : undefined;
    if (checkpoint?.origin === origin) return { checkpoint, note };
    throw new AgentError("storage.corrupt", `${path} is not what this witness wrote`);
  }

  #path(origin: string): string {
    return join(this.#options.directory, `${hashOf(origin)}.cp`);
  }
}

/** `old <size>`, the hashes of the proof, an empty line, the checkpoint. */
function parseRequest(body: string): Request | undefined {
  const end = body.indexOf("\n\n");
  const [first, ...lines] = body.slice(0, Math.max(end, 0)).split("\n");
  const old = /^old (0|[1-9]\d{0,15})$/.exec(first ?? "")?.[1];
  const proof = decodeHashes(lines);
  const note = body.slice(end + 2);
  const text = splitNote(note)?.text;
  const checkpoint = text === undefined ? undefined : parseCheckpoint(text);
  if (old === undefined || proof === undefined || checkpoint === undefined) return undefined;
  return { oldSize: Number(old), proof, note, checkpoint };
}

function refuse(status: WitnessAnswer["status"], reason: string): WitnessAnswer {
  return { status, body: `${reason}\n` };
}

function hashOf(origin: string): string {
  return sha256(Buffer.from(origin)).toString("hex");
}
