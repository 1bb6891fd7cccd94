/**
 * Logs of container runtimes to the lines that the container wrote.
 *
 * Invariant: parts of one line are put together per stream and in order; a part that still waits
 * for its end is reported by `heldFrom`, so that the stored offset never passes it.
 */
import type { AnyValueMap } from "../../data/any_value.ts";
import type { ContainerConfig } from "./config.ts";
import type { ContainerLine } from "./container_line.ts";
import { parseContainerLine } from "./container_line.ts";
import { checkedField, readField, writeField } from "./field.ts";
import type { Entry, HeldFrom, Operator, OperatorContext } from "./operator.ts";
import { handleFailure } from "./operator.ts";
import { embeddedSteps } from "./parser.ts";

/** The first parts of a line, until its last one comes. */
interface Parts {
  readonly texts: string[];
  readonly first: Pick<Entry, "start" | "number">;
  /** The newest part's entry, as it would be handed on. */
  latest: Entry;
  sizeBytes: number;
}

/** `/var/log/pods/<namespace>_<pod>_<uid>/<container>/<restarts>.log` */
const POD_PATH = /\/([^/_]+)_([^/_]+)_([^/_]+)\/([^/]+)\/(\d+)\.log[^/]*$/;

export function containerOperator(config: ContainerConfig, context: OperatorContext): Operator {
  const from = checkedField(config.parse_from);
  const to = checkedField(config.parse_to);
  const after = embeddedSteps(config, context);
  const name = config.id ?? config.type;
  const metadata = config.add_metadata_from_filepath ? podMetadata(context.path) : undefined;
  const open = new Map<string, Parts>();
  let known: { readonly from: AnyValueMap; readonly to: AnyValueMap } | undefined;

  // All records of a file share one resource, so the merged one is made once.
  const withMetadata = (resource: AnyValueMap): AnyValueMap => {
    if (known?.from !== resource) known = { from: resource, to: { ...resource, ...metadata } };
    return known.to;
  };

  /** The entry with the text so far, or undefined while more is to come. */
  const join = (line: ContainerLine, entry: Entry): boolean => {
    const parts = open.get(line.stream);
    if (parts === undefined && line.last) return true;
    const { start, number } = parts?.first ?? entry;
    const texts = parts?.texts ?? [];
    texts.push(line.text);
    const sizeBytes = (parts?.sizeBytes ?? 0) + Buffer.byteLength(line.text);
    if (!line.last && sizeBytes <= config.max_log_size) {
      open.set(line.stream, { texts, first: { start, number }, latest: { ...entry }, sizeBytes });
      return false;
    }
    open.delete(line.stream);
    entry.body = texts.join("");
    entry.start = start;
    entry.number = number;
    return true;
  };

  return {
    process(entry) {
      const text = readField(entry, from);
      const line = typeof text === "string" ? parseContainerLine(text, config.format) : undefined;
      if (line === undefined) return handleFailure(context, name, config.on_error);
      entry.body = line.text;
      entry.hrTime = line.hrTime;
      writeField(entry, to, { ...line.more, "log.iostream": line.stream });
      if (metadata !== undefined) entry.resource = withMetadata(entry.resource);
      if (!join(line, entry)) return false;
      const whole = after.every((step) => step(entry));
      return whole || handleFailure(context, name, config.on_error);
    },
    heldFrom() {
      let oldest: HeldFrom | undefined;
      for (const { first } of open.values()) {
        if (oldest === undefined || first.start < oldest.offset) {
          oldest = { offset: first.start, lines: first.number - 1 };
        }
      }
      return oldest;
    },
    release() {
      const next = open.entries().next().value;
      if (next === undefined) return undefined;
      const [stream, { texts, first, latest }] = next;
      open.delete(stream);
      return { ...latest, body: texts.join(""), ...first };
    },
  };
}

function podMetadata(path: string): Record<string, string> | undefined {
  const match = POD_PATH.exec(path);
  if (match === null) return undefined;
  const [, namespace, pod, uid, container, restarts] = match;
  return {
    "k8s.namespace.name": namespace!,
    "k8s.pod.name": pod!,
    "k8s.pod.uid": uid!,
    "k8s.container.name": container!,
    "k8s.container.restart_count": restarts!,
  };
}
