/** `vouchsafe witness`: cosigns the checkpoints of other hosts' archives. */
import { join } from "node:path";
import { Witness } from "../../exporters/sealed_archive/anchors/witness.ts";
import { serveWitness } from "../../exporters/sealed_archive/anchors/witness_server.ts";
import {
  COSIGNING_KEY,
  parseCosigningKey,
} from "../../exporters/sealed_archive/format/cosignature.ts";
import type { NoteSigner } from "../../exporters/sealed_archive/format/note.ts";
import { encodeSigningKey, isKeyName } from "../../exporters/sealed_archive/format/note.ts";
import { readIfThere } from "../../exporters/sealed_archive/optional_file.ts";
import {
  createPrivateFile,
  readPrivateFile,
} from "../../exporters/sealed_archive/writer/log_key.ts";
import { describeError } from "../component/errors.ts";
import { makePrivateDirectory } from "../lib/durable_file.ts";
import { acquireLock } from "../lib/lock_file.ts";
import { systemClock, systemRandom } from "../lib/system_clock.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { aborted, EXIT_OK, UsageError } from "./command.ts";
import { readVerifier } from "./read_verifier.ts";

const KEY_FILE = "witness.key";

export const witnessCommand: Command = {
  summary:
    "Cosign the checkpoints of other hosts' archives, so that none can be rolled back unseen.",
  usage: "-d DIRECTORY --name NAME --log KEY [--log KEY ...] [--listen HOST:PORT]",
  options: {
    directory: { type: "string", short: "d" },
    name: { type: "string" },
    log: { type: "string", multiple: true },
    listen: { type: "string", default: "127.0.0.1:7380" },
  },
  help: `A witness (c2sp.org/tlog-witness). It signs a checkpoint, with the time, only when that
continues all that it saw of the log before. Run it on another host than the archives it watches.

  -d, --directory FOLDER  its key (witness.key, made at the first start) and what it has seen. Who
                          puts an older folder back makes it forget: keep it off shared storage
      --name NAME         its name for ever, like a URL without its scheme: witness.example/w1
      --log KEY           the public key of a log, as text or the name of a file; for each log
      --listen HOST:PORT  without it 127.0.0.1:7380. It speaks plain HTTP and asks nobody who they
                          are: what it takes and gives is signed. Put a proxy with TLS before it

Prints its public key, for the policies of those who trust it. SIGTERM ends it.

Example:
  vouchsafe witness -d /var/lib/vouchsafe-witness --name witness.example/w1 --log host1.vkey`,
  run,
};

async function run({ values, positionals }: CommandLine, io: CommandIo): Promise<number> {
  const { directory, name, listen } = values;
  const keys = (values.log ?? []) as string[];
  if (positionals.length > 0) throw new UsageError("expected no words beside the options");
  if (typeof directory !== "string") throw new UsageError("expected -d DIRECTORY");
  if (typeof name !== "string" || !isKeyName(name)) {
    throw new UsageError("expected --name NAME without spaces and '+'");
  }
  if (keys.length === 0) throw new UsageError("expected --log KEY");
  const address = readAddress(String(listen));
  const logs = await Promise.all(keys.map(readVerifier));
  if (new Set(logs.map((log) => log.name)).size < logs.length) {
    throw new UsageError("each log has one key");
  }
  await makePrivateDirectory(directory);
  const lock = await acquireLock(join(directory, "lock"));
  try {
    const signer = await readOrMakeKey(join(directory, KEY_FILE), name);
    const witness = new Witness({ directory, signer, logs, clock: systemClock });
    const server = await serveWitness(witness, address, (error) => {
      io.stderr.write(`could not answer: ${describeError(error)}\n`);
    });
    io.stdout.write(`${signer.verifier.vkey}\n`);
    io.stderr.write(`listens on ${address.host}:${server.port} for ${logs.length} logs\n`);
    await aborted(io.signal);
    await server.close();
    return EXIT_OK;
  } finally {
    await lock.release();
  }
}

/** A key that is there must have this name. */
async function readOrMakeKey(path: string, name: string): Promise<NoteSigner> {
  if ((await readIfThere(path)) === undefined) {
    const seed = new Uint8Array(32);
    systemRandom(seed);
    await createPrivateFile(path, `${encodeSigningKey(name, seed, COSIGNING_KEY)}\n`);
  }
  const signer = parseCosigningKey(await readPrivateFile(path));
  if (signer.verifier.name === name) return signer;
  throw new UsageError(`this witness is ${signer.verifier.name}; its name stays for ever`);
}

function readAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new UsageError("--listen is HOST:PORT");
  return { host: match[1] ?? match[2]!, port };
}
