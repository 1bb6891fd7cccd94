/** Records, running chains and their verification, for the tests and the bench. */

import { join } from "node:path";
import { SeverityNumber } from "@opentelemetry/api-logs";
import type { LogsConsumer } from "../../src/component/component.ts";
import type { Settings } from "../../src/component/settings.ts";
import { INTEGRITY_CHAIN } from "../../src/data/integrity.ts";
import { LogRecord } from "../../src/data/log_record.ts";
import { Resource } from "../../src/data/resource.ts";
import { generateChainKey } from "./chain_key.ts";
import type { ChainReport } from "./chain_report.ts";
import type { VerifyOptions } from "./chain_verifier.ts";
import { ChainVerifier } from "./chain_verifier.ts";
import type { Config } from "./config.ts";
import { HmacChain } from "./hmac_chain.ts";
import { readChainKey } from "./key_files.ts";

const AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130";

/** Access-log lines of about 194 bytes with their ten attributes, all different. */
export function accessLogRecords(count: number): LogRecord[] {
  const resource = new Resource({ "host.name": "web-1", "service.name": "shop" });
  const instrumentationScope = { name: "file_log" };
  return Array.from({ length: count }, (_, index) => {
    const address = `203.0.113.${index % 256}`;
    const path = `/shop/item/${index}`;
    const size = 1000 + (index % 5000);
    const line =
      `${address} - - [21/Nov/2026:05:29:00 +0000] "GET ${path} HTTP/1.1" 200 ${size} ` +
      `"https://shop.example/cart" "${AGENT}"`;
    return new LogRecord({
      hrTime: [1_795_239_000 + Math.floor(index / 1000), (index % 1000) * 1_000_000],
      hrTimeObserved: [1_795_239_001 + Math.floor(index / 1000), (index % 1000) * 1_000_000],
      severityNumber: SeverityNumber.INFO,
      severityText: "INFO",
      body: line,
      attributes: {
        "client.address": address,
        "user.name": "-",
        "http.request.method": "GET",
        "url.path": path,
        "network.protocol.version": "1.1",
        "http.response.status_code": 200,
        "http.response.body.size": size,
        "http.request.header.referer": "https://shop.example/cart",
        "user_agent.original": AGENT,
        "log.file.name": "access.log",
      },
      resource,
      instrumentationScope,
    });
  });
}

/** A configuration whose K_0 the test knows, and that key. */
export async function knownKey(
  settings: Settings,
  ratchet: Config["ratchet"] = "batch",
): Promise<{ config: Config; key: Uint8Array }> {
  const path = join(await settings.sharedStateDirectory(), "chain.key");
  await generateChainKey(path, settings.random);
  const { key } = await readChainKey(path);
  return { config: { recipients: [], key_file: path, ratchet }, key: key.reveal() };
}

export async function startChain(
  config: Config,
  settings: Settings,
  next: LogsConsumer,
): Promise<HmacChain> {
  const chain = new HmacChain(config, settings, next);
  await chain.start();
  return chain;
}

export const stop = (chain: HmacChain): Promise<void> =>
  chain.shutdown(AbortSignal.timeout(20_000));

/** What a verifier says when every record is a line of its own. */
export function verifyRecords(
  key: Uint8Array,
  records: readonly LogRecord[],
  options: Partial<VerifyOptions> = {},
): ChainReport {
  const chain = String(records[0]?.attributes[INTEGRITY_CHAIN]);
  const defaults = { expectFirst: 0, expectLast: undefined, ordered: false, dropped: [] };
  const verifier = new ChainVerifier(key, chain, { ...defaults, ...options });
  for (const [index, record] of records.entries()) {
    verifier.add(record, { line: index + 1, record: 1 });
  }
  return verifier.finish();
}

/** Findings as `kind first-last`, for short assertions. */
export function named({ findings }: ChainReport): string[] {
  return findings.map(({ kind, first, last }) => `${kind} ${first}-${last}`);
}
