/** `vouchsafe components`: what is built into this program and can be named in a configuration. */
import type { Factories } from "../../config/factories.ts";
import { extensionDescriptions } from "../../config/service.ts";
import type { AnyFactory } from "../component/factory.ts";
import type { ComponentKind } from "../component/settings.ts";
import type { Command, CommandIo, CommandLine } from "./command.ts";
import { EXIT_OK, UsageError } from "./command.ts";

interface ComponentRow {
  readonly kind: ComponentKind;
  readonly type: string;
  readonly aliases: readonly string[];
  readonly description: string;
}

export const componentsCommand: Command = {
  summary: "lists the components that are built in",
  usage: "[--format text|json]",
  options: { format: { type: "string", default: "text" } },
  help: `  --format FORMAT   text (default) or json

A configuration names a component by its type, or by an alias that is shown in brackets.
`,
  run: listComponents,
};

async function listComponents(
  { values, positionals }: CommandLine,
  io: CommandIo,
): Promise<number> {
  if (positionals.length > 0) throw new UsageError("this command takes no words");
  // Loading every component takes a moment that `--help` does not need.
  const { builtinFactories } = await import("../../config/builtin.ts");
  const rows = allComponents(builtinFactories);
  if (values.format === "json") {
    io.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
    return EXIT_OK;
  }
  if (values.format !== "text") throw new UsageError("--format is text or json");
  const nameOf = ({ type, aliases }: ComponentRow): string =>
    aliases.length === 0 ? type : `${type} (${aliases.join(", ")})`;
  const width = Math.max(...rows.map((row) => nameOf(row).length));
  let kind: ComponentKind | undefined;
  for (const row of rows) {
    if (row.kind !== kind) io.stdout.write(`${kind === undefined ? "" : "\n"}${row.kind}s\n`);
    kind = row.kind;
    io.stdout.write(`  ${nameOf(row).padEnd(width)}  ${row.description}\n`);
  }
  return EXIT_OK;
}

function allComponents({ receivers, processors, exporters }: Factories): ComponentRow[] {
  const factories: AnyFactory[] = [...receivers, ...processors, ...exporters];
  const extensions = Object.entries(extensionDescriptions).map(
    ([type, description]): ComponentRow => ({ kind: "extension", type, aliases: [], description }),
  );
  return [
    ...factories.map(({ kind, type, aliases, description }) => ({
      kind,
      type,
      aliases,
      description,
    })),
    ...extensions,
  ];
}
