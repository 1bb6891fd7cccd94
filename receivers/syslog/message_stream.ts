/** Messages of one connection, or of all datagrams, to records. */
import type { Attributes } from "../../src/data/any_value.ts";
import type { LogRecord } from "../../src/data/log_record.ts";
import type { EntryStream } from "../../src/lib/operators/entry_stream.ts";
import type { TcpConfig, UdpConfig } from "./config.ts";

/** Where a message came from and arrived, as the attributes of the Collector. */
export interface Ends {
  readonly peerAddress: string;
  readonly peerPort: number;
  readonly hostAddress: string;
  readonly hostPort: number;
}

export function endAttributes(transport: "IP.TCP" | "IP.UDP", ends: Ends): Attributes {
  return {
    "net.transport": transport,
    "net.peer.ip": ends.peerAddress,
    "net.peer.port": String(ends.peerPort),
    "net.host.ip": ends.hostAddress,
    "net.host.port": String(ends.hostPort),
  };
}

type Reading = Pick<
  TcpConfig | UdpConfig,
  "encoding" | "preserve_leading_whitespaces" | "preserve_trailing_whitespaces"
>;

/** The text of a message as the configuration wants it; "" is none. */
export function messageText(bytes: Buffer, config: Reading): string {
  const isLatin1 = config.encoding === "latin1" || config.encoding === "iso-8859-1";
  let text = bytes.toString(isLatin1 ? "latin1" : "utf8");
  if (!config.preserve_leading_whitespaces) text = text.trimStart();
  return config.preserve_trailing_whitespaces ? text : text.trimEnd();
}

/** The records of several messages; empty ones are none. */
export function recordsOf(stream: EntryStream, texts: readonly string[]): LogRecord[] {
  const records: LogRecord[] = [];
  for (const text of texts) {
    const record = text === "" ? undefined : stream.push(text);
    if (record !== undefined) records.push(record);
  }
  return records;
}
