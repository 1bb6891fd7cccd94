/** The keys that the `syslog` receiver and the operator `syslog_parser` have in common. */
import { z } from "zod";
import { isTimeZone } from "../time_zone.ts";
import { SYSLOG_PROTOCOLS } from "./parse.ts";

export const syslogShape = {
  protocol: z
    .enum(SYSLOG_PROTOCOLS)
    .describe("Which RFC the messages follow; none: a priority that may be missing, then text."),
  location: z
    .string()
    .refine(isTimeZone, "expected an IANA time zone such as Europe/Berlin, or Local")
    .default("UTC")
    .describe("Time zone of the times of rfc3164: an IANA name, UTC, or Local."),
  allow_skip_pri_header: z
    .boolean()
    .default(false)
    .describe("Whether messages without a priority are understood, too."),
  enable_octet_counting: z
    .boolean()
    .default(false)
    .describe("Whether messages begin with their length (RFC 6587, octet counting)."),
  max_octets: z
    .int()
    .min(1)
    .default(8192)
    .describe("Largest counted message that is parsed; a larger one counts as not understood."),
  non_transparent_framing_trailer: z
    .enum(["LF", "NUL"])
    .nullish()
    .describe("What ends a message (RFC 6587, non-transparent framing)."),
};

export const ONE_FRAMING = {
  check: (config: {
    readonly enable_octet_counting: boolean;
    readonly non_transparent_framing_trailer?: string | null | undefined;
  }): boolean =>
    !config.enable_octet_counting || (config.non_transparent_framing_trailer ?? null) === null,
  error: {
    path: ["non_transparent_framing_trailer"],
    error: "only one of enable_octet_counting and non_transparent_framing_trailer can be set",
  },
};
