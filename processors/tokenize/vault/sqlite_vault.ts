/**
 * The SQLite vault in a thread of its own, so that no `fsync` and no wait for another process holds
 * up the agent. This file is both ends: imported it gives {@link SqliteVault}, started as a worker
 * it serves the calls, one after the other.
 *
 * A call in vain is a `vault.unavailable`: the next one opens the file again if it has to, so a
 * full disk or a file that is put back heals by itself.
 */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { ErrorCode } from "../../../src/component/errors.ts";
import { AgentError, describeError } from "../../../src/component/errors.ts";
import { SqliteStore } from "./sqlite_store.ts";
import type {
  FoundRow,
  PutResult,
  RowCounts,
  Vault,
  VaultOpening,
  VaultRow,
  VaultState,
} from "./vault.ts";

type Method = "open" | "put" | "find" | "erasures" | "count" | "erase" | "purge" | "close";

interface Call {
  readonly number: number;
  readonly method: Method;
  readonly parameters: readonly unknown[];
}

interface Answer {
  readonly number: number;
  readonly result?: unknown;
  readonly failure?: { readonly code: ErrorCode; readonly message: string };
}

const THREAD = "vouchsafe-vault";
const HEAP_MB_MAX = 64;

export class SqliteVault implements Vault {
  readonly #path: string;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #worker: Worker | undefined;
  #number = 0;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  open(opening: VaultOpening): Promise<VaultState | undefined> {
    return this.#call("open", opening);
  }

  put(rows: readonly VaultRow[], erasures: number): Promise<PutResult> {
    return this.#call("put", rows, erasures);
  }

  find(token: string, nowMs: number): Promise<readonly FoundRow[]> {
    return this.#call("find", token, nowMs);
  }

  erasures(): Promise<number> {
    return this.#call("erasures");
  }

  count(owners: readonly Uint8Array[]): Promise<RowCounts> {
    return this.#call("count", owners);
  }

  erase(owners: readonly Uint8Array[]): Promise<RowCounts> {
    return this.#call("erase", owners);
  }

  purge(nowMs: number, limit: number): Promise<number> {
    return this.#call("purge", nowMs, limit);
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker !== undefined) await this.#call("close").catch(() => {});
    // The process is to wait for the end of the thread, too.
    worker?.ref();
    await this.#ended;
  }

  #call<Result>(method: Method, ...parameters: readonly unknown[]): Promise<Result> {
    const worker = this.#thread();
    const call = Promise.withResolvers<unknown>();
    const number = this.#number++;
    this.#calls.set(number, call);
    worker.ref();
    worker.postMessage({ number, method, parameters } satisfies Call);
    return call.promise as Promise<Result>;
  }

  /** A thread that died, for want of memory say, is replaced at the next call. */
  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL(import.meta.url), {
      name: THREAD,
      workerData: { [THREAD]: this.#path },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
    });
    worker.on("message", (answer: Answer) => this.#settle(answer));
    worker.on("error", () => {});
    const ended = Promise.withResolvers<void>();
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const { reject } of this.#calls.values()) reject(unavailable(this.#path, "ended"));
      this.#calls.clear();
      ended.resolve();
    });
    this.#worker = worker;
    this.#ended = ended.promise;
    return worker;
  }

  #settle({ number, result, failure }: Answer): void {
    const call = this.#calls.get(number);
    this.#calls.delete(number);
    // A thread that waits for nothing does not keep the process.
    if (this.#calls.size === 0) this.#worker?.unref();
    if (failure === undefined) call?.resolve(result);
    else call?.reject(new AgentError(failure.code, failure.message));
  }
}

function unavailable(path: string, why: string): AgentError {
  return new AgentError("vault.unavailable", `the vault ${path} cannot be used (${why})`);
}

/** SQLite names a failure in words of its own, which hold nothing of a row. */
function failureOf(path: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const { errstr } = error as { errstr?: unknown };
  return unavailable(path, typeof errstr === "string" ? errstr : describeError(error));
}

function serve(path: string, port: NonNullable<typeof parentPort>): void {
  const store = new SqliteStore(path);
  const handle = ({ method, parameters }: Call): unknown =>
    (store[method] as (...given: readonly unknown[]) => unknown).apply(store, [...parameters]);
  port.on("message", (call: Call) => {
    const { number } = call;
    try {
      port.postMessage({ number, result: handle(call) } satisfies Answer);
    } catch (error) {
      const { code, message } = failureOf(path, error);
      port.postMessage({ number, failure: { code, message } } satisfies Answer);
    }
    if (call.method === "close") port.close();
  });
}

const path: unknown = workerData?.[THREAD];
if (!isMainThread && parentPort !== null && typeof path === "string") serve(path, parentPort);
