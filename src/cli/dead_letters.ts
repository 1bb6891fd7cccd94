/** `vouchsafe dead-letters`: what an exporter refused for good: look, export, send again, drop. */
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { formatDiagnostics } from "../../config/diagnostics.ts";
import type { CheckedConfig } from "../../config/load.ts";
import { loadConfig } from "../../config/load.ts";
import { systemRandom } from "../lib/system_clock.ts";
import { toOtlpJson } from "../otlp/encode_json.ts";
import { DeadLetterBox } from "../pipeline/queue/dead_letter_box.ts";
import { componentFolder, lockState } from "../state_folders.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_CONFIG, EXIT_OK, UsageError } from "./command.ts";

type Action = (box: DeadLetterBox, io: CommandIo) => Promise<void>;

export const deadLettersCommand: Command = {
  summary: "lists, exports, sends again or drops what an exporter refused for good",
  usage: "list|export|resend|drop -c FILE [-c FILE] EXPORTER",
  options: { config: { type: "string", short: "c", multiple: true } },
  help: `  list                  time, records and bytes of each batch
  export                the records on standard output, an OTLP LogsData (JSON) a line
  resend                puts them behind what waits in the queue, for the next start
  drop                  removes them for ever
  -c, --config FILE     the agent's configuration; EXPORTER is an id in it, such as otlp_http

The agent must not run: it holds the lock of the folder.
Exit code 0: done. 1: it runs, or a file cannot be used. 78: the configuration is wrong.

Example: vouchsafe dead-letters list -c vouchsafe.yaml otlp_http
`,
  run,
};

const ACTIONS: Readonly<Record<string, Action>> = {
  list: async ({ letters, lost }, { stdout, stderr }) => {
    for (const { enqueuedMs, records, bytes } of letters) {
      const time = new Date(enqueuedMs).toISOString();
      stdout.write(`${time}  ${records} records  ${bytes} bytes\n`);
    }
    const records = letters.reduce((sum, letter) => sum + letter.records, 0);
    stderr.write(`${letters.length} batches, ${records} records`);
    stderr.write(lost === 0 ? "\n" : `; ${lost} batches are damaged and lost\n`);
  },
  export: async (box, { stdout }) => {
    for (const letter of box.letters) {
      const { records } = await box.read(letter);
      if (!stdout.write(`${toOtlpJson(records)}\n`)) await once(stdout, "drain");
    }
  },
  resend: async (box, { stderr }) => {
    await box.resendAll();
    stderr.write(`${box.letters.length} batches wait in the queue again\n`);
  },
  drop: async (box, { stderr }) => {
    for (const letter of box.letters) box.drop(letter);
    stderr.write(`${box.letters.length} batches dropped\n`);
  },
};

async function run({ values, positionals }: CommandLine, io: CommandIo): Promise<number> {
  const [name = "", exporter, ...rest] = positionals;
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined || exporter === undefined || rest.length > 0) {
    throw new UsageError("write: list, export, resend or drop, and the id of an exporter");
  }
  const paths = (values.config ?? []) as string[];
  if (paths.length === 0) throw new UsageError("-c FILE is missing");
  const { builtinFactories } = await import("../../config/builtin.ts");
  const factories = builtinFactories;
  const { config, diagnostics } = await loadConfig(paths, { env: process.env, factories });
  io.stderr.write(formatDiagnostics(diagnostics, { color: false }));
  if (config === undefined) return EXIT_CONFIG;
  const lock = await lockState(config);
  try {
    await act(config, exporter, action, io);
  } finally {
    await lock.release();
  }
  return EXIT_OK;
}

async function act(
  config: CheckedConfig,
  exporter: string,
  action: Action,
  io: CommandIo,
): Promise<void> {
  const component = config.exporters.get(exporter);
  const queue = component?.factory.queue?.(component.config as never);
  if (component === undefined || queue === undefined) {
    throw new UsageError(`${exporter} is no exporter with a durable queue (sending_queue.storage)`);
  }
  const root = componentFolder(config, component.id);
  const directory = join(root, "queue");
  if ((await stat(join(directory, "dead_letters")).catch(() => undefined)) === undefined) {
    io.stderr.write("there are no dead letters\n");
    return;
  }
  const box = await DeadLetterBox.open({ directory, queue, random: systemRandom });
  try {
    await action(box, io);
  } finally {
    await box.close();
  }
}
