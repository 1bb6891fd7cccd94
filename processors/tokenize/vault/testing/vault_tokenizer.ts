/** A tokenizer with a vault, and what a test asks of it. */
import type { TestContext } from "node:test";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import type { Finding } from "../../../../src/data/finding.ts";
import { LogRecord } from "../../../../src/data/log_record.ts";
import { systemRandom } from "../../../../src/lib/system_clock.ts";
import { CollectingConsumer } from "../../../../src/testing/collecting_consumer.ts";
import { FakeClock } from "../../../../src/testing/fake_clock.ts";
import { temporaryDirectory, testSettings } from "../../../../src/testing/test_settings.ts";
import { factory } from "../../factory.ts";
import { generateTokenKey } from "../../token_keys.ts";

export const MADE_MS = Date.UTC(2026, 10, 21);

export async function newIdentity(): Promise<{ identity: string; recipient: string }> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

export interface VaultTokenizerOptions {
  readonly vault: object;
  readonly entities?: object;
  /** State directory and key directory of an earlier one, for a restart or a second host. */
  readonly root?: string;
  readonly keys?: string;
  readonly clock?: FakeClock;
  readonly isStarted?: boolean;
}

export async function vaultTokenizer(t: TestContext, options: VaultTokenizerOptions) {
  const keys = options.keys ?? (await temporaryDirectory(t));
  if (options.keys === undefined) {
    await generateTokenKey(keys, { random: systemRandom, nowMs: MADE_MS });
  }
  const clock = options.clock ?? new FakeClock(MADE_MS);
  const { root } = options;
  const settings = await testSettings(t, {
    type: "tokenize",
    clock,
    ...(root !== undefined && { root }),
  });
  const next = new CollectingConsumer();
  const config = factory.configSchema.parse({
    domain: "test",
    keys: { directory: keys },
    vault: { ...options.vault, subject: { attribute: "user.id" } },
    entities: options.entities,
  });
  const processor = factory.create(config, settings, next);
  if (options.isStarted !== false) await processor.start();
  t.after(() => processor.shutdown(AbortSignal.abort()));
  const consume = (lines: readonly Line[]): Promise<void> =>
    processor.consumeLogs({ records: lines.map(recordOf) });
  const treat = async (...lines: readonly Line[]): Promise<string[]> => {
    next.batches.length = 0;
    await consume(lines);
    return next.records.map(({ body }) => String(body));
  };
  return { processor, settings, next, clock, keys, root: settings.root, consume, treat, config };
}

/** A body that is one value of an entity as a whole, and the person that it is of. */
export interface Line {
  readonly entity: string;
  readonly value: string;
  readonly subject?: string;
}

function recordOf({ entity, value, subject }: Line): LogRecord {
  const finding: Finding = { root: "body", path: [], entity, start: 0, end: value.length };
  const attributes = subject === undefined ? {} : { "user.id": subject };
  return new LogRecord({ body: value, attributes, findings: [finding] });
}
