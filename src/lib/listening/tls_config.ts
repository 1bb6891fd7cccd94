/** The Collector's `tls` block of a server. */
import { getCiphers } from "node:tls";
import { z } from "zod";
import { durationMs } from "../../../config/values.ts";

const TLS_VERSIONS = ["1.0", "1.1", "1.2", "1.3"] as const;
/** Go's names to those of OpenSSL. */
const CURVES = {
  X25519: "X25519",
  P256: "P-256",
  P384: "P-384",
  P521: "P-521",
  X25519MLKEM768: "X25519MLKEM768",
} as const;
type Curve = keyof typeof CURVES;

/**
 * OpenSSL's name of a cipher suite of TLS 1.2, from its IANA name (which Go uses), such as
 * `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`; undefined when this runtime has none.
 */
export function cipherName(iana: string): string | undefined {
  const name = iana
    .replace(/^TLS_(RSA_WITH_)?/, "")
    .replace("_WITH", "")
    .replace(/_(128|256)_CBC_/, "$1_")
    .replace(/AES_/, "AES")
    .replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305")
    .replaceAll("_", "-");
  return getCiphers().includes(name.toLowerCase()) ? name : undefined;
}

const version = z.enum(TLS_VERSIONS);

export const serverTlsSchema = z
  .strictObject({
    cert_file: z.string().min(1).optional().describe("PEM file of the certificate and its chain."),
    cert_pem: z.string().min(1).optional().describe("The same as text, instead of `cert_file`."),
    key_file: z.string().min(1).optional().describe("PEM file of the certificate's private key."),
    key_pem: z.string().min(1).optional().describe("The same as text, instead of `key_file`."),
    client_ca_file: z
      .string()
      .min(1)
      .optional()
      .describe("PEM file of authorities; clients must show a certificate of one of them."),
    client_ca_file_reload: z
      .boolean()
      .default(false)
      .describe("Whether a changed `client_ca_file` is read again, every 10s at the latest."),
    reload_interval: durationMs
      .refine((ms) => ms === 0 || ms >= 1000, "must be at least 1s, or 0")
      .prefault("0")
      .describe("Time after which changed files are read again; 0 is never."),
    min_version: version.default("1.2").describe("Oldest version of TLS that is spoken."),
    max_version: version.optional().describe("Newest version; without it the newest there is."),
    cipher_suites: z
      .array(
        z
          .string()
          .refine((name) => cipherName(name) !== undefined, "is no cipher suite of this runtime"),
      )
      .default([])
      .describe("IANA names of suites for TLS 1.2 and older; empty: the safe ones of the runtime."),
    curve_preferences: z
      .array(z.enum(Object.keys(CURVES) as [Curve, ...Curve[]]))
      .default([])
      .describe("Curves for the key exchange, the best first; empty: those of the runtime."),
  })
  .refine(({ cert_file, cert_pem }) => (cert_file === undefined) !== (cert_pem === undefined), {
    error: "expected exactly one of cert_file and cert_pem",
  })
  .refine(({ key_file, key_pem }) => (key_file === undefined) !== (key_pem === undefined), {
    error: "expected exactly one of key_file and key_pem",
  })
  .refine(({ min_version, max_version }) => (max_version ?? "1.3") >= min_version, {
    path: ["max_version"],
    error: "must not be older than min_version",
  });

export type ServerTlsConfig = z.infer<typeof serverTlsSchema>;

/** For `ecdhCurve`. */
export function curveNames(curves: readonly Curve[]): string {
  return curves.map((curve) => CURVES[curve]).join(":");
}
