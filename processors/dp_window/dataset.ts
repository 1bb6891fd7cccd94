/**
 * The ledgers that are open in this process, one per dataset folder: several processors of a
 * dataset share one, and the last that leaves closes it.
 *
 * Invariant: the folder's lock is held from before the ledger is opened until after it is closed.
 */
import { join } from "node:path";
import { makePrivateDirectory } from "../../src/lib/durable_file.ts";
import { acquireLock } from "../../src/lib/lock_file.ts";
import { Ledger } from "./ledger.ts";

export interface OpenDataset {
  readonly directory: string;
  readonly ledger: Ledger;
  /** Harmless when called again. */
  leave(): Promise<void>;
}

interface Shared {
  readonly ledger: Ledger;
  close(): Promise<void>;
}

interface Entry {
  readonly shared: Promise<Shared>;
  users: number;
}

const open = new Map<string, Entry>();
/** Folders that are being closed: whoever opens one again waits for it. */
const closing = new Map<string, Promise<void>>();

/** Throws what {@link Ledger.open} throws, and `storage.locked` while another process has it. */
export async function openDataset(root: string, dataset: string): Promise<OpenDataset> {
  const directory = join(root, "datasets", dataset);
  await closing.get(directory);
  const entry = open.get(directory) ?? { shared: openShared(directory, dataset), users: 0 };
  open.set(directory, entry);
  entry.users++;
  let left = false;
  const leave = async (): Promise<void> => {
    if (left) return;
    left = true;
    if (--entry.users > 0) return;
    open.delete(directory);
    const closed = entry.shared.then(
      ({ close }) => close(),
      () => {},
    );
    closing.set(directory, closed);
    await closed.finally(() => closing.delete(directory));
  };
  try {
    const { ledger } = await entry.shared;
    return { directory, ledger, leave };
  } catch (error) {
    await leave();
    throw error;
  }
}

async function openShared(directory: string, dataset: string): Promise<Shared> {
  await makePrivateDirectory(directory);
  const lock = await acquireLock(join(directory, "lock"));
  try {
    const ledger = await Ledger.open(directory, dataset);
    const close = async (): Promise<void> => {
      await ledger.close();
      await lock.release();
    };
    return { ledger, close };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
