/** Configuration of the `syslog` receiver: the Collector's keys, and limits of our own. */
import { z } from "zod";
import { byteSize, durationMs } from "../../config/values.ts";
import { textShape } from "../../src/lib/framing/message_text.ts";
import { parseEndpoint } from "../../src/lib/listening/endpoint.ts";
import { serverTlsSchema } from "../../src/lib/listening/tls_config.ts";
import { streamShape } from "../../src/lib/operators/source_config.ts";
import { ONE_FRAMING, syslogShape } from "../../src/lib/syslog/config.ts";

const MAX_LOG_SIZE_BYTES_MAX = 64 * 1024 * 1024;

const transportShape = {
  listen_address: z
    .string()
    .refine(
      (text) => parseEndpoint(text) !== undefined,
      "expected host:port such as localhost:54526, 0.0.0.0:54526 or [::1]:54526",
    )
    .describe("Where to listen: `host:port`. `localhost` is the loopback interface only."),
  add_attributes: z
    .boolean()
    .default(false)
    .describe("Adds `net.transport` and the IP and port of both ends: `net.peer.ip`, ..."),
  ...textShape,
};

const tcp = z.strictObject({
  ...transportShape,
  max_log_size: byteSize
    .refine((bytes) => bytes >= 64, "must be at least 64 bytes")
    .refine((bytes) => bytes <= MAX_LOG_SIZE_BYTES_MAX, "must be at most 64MiB")
    .prefault("1MiB")
    .describe("Largest message; a longer one is cut, and its rest left out."),
  tls: serverTlsSchema
    .optional()
    .describe("TLS (RFC 5425); without it messages are not encrypted."),
  max_connections: z
    .int()
    .min(1)
    .default(512)
    .describe("Connections open at once; further ones are closed. Not in the Collector."),
  read_timeout: durationMs
    .prefault("30s")
    .describe(
      "How long a message may take from its beginning to its end; then what is there is handed on " +
        "and the connection closed. 0 is for ever. Not in the Collector.",
    ),
});

const udp = z.strictObject({
  ...transportShape,
  receive_buffer_size: byteSize
    .optional()
    .describe(
      "Bytes that the operating system keeps for the agent, within its own limit. " +
        "Not in the Collector.",
    ),
});

export const configSchema = z
  .strictObject({
    tcp: tcp.optional().describe("Listens for TCP connections, with or without TLS."),
    udp: udp.optional().describe("Listens for UDP datagrams: one is one message."),
    ...syslogShape,
    on_error: z
      .enum(["send", "send_quiet", "drop", "drop_quiet"])
      .default("send")
      .describe("What becomes of a message that is not understood; quiet logs at debug level."),
    ...streamShape,
  })
  .refine(ONE_FRAMING.check, ONE_FRAMING.error)
  .refine(({ tcp, udp }) => tcp !== undefined || udp !== undefined, {
    error: "expected `tcp:`, `udp:` or both",
  })
  .refine(
    ({ tcp, enable_octet_counting, non_transparent_framing_trailer }) =>
      tcp !== undefined ||
      (!enable_octet_counting && (non_transparent_framing_trailer ?? null) === null),
    {
      path: ["enable_octet_counting"],
      error: "framing is for tcp; a datagram of udp is one message",
    },
  );

export type SyslogConfig = z.infer<typeof configSchema>;
export type TcpConfig = NonNullable<SyslogConfig["tcp"]>;
export type UdpConfig = NonNullable<SyslogConfig["udp"]>;
