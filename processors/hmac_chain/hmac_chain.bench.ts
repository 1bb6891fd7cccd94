/**
 * CPU time a record in the signer, by stage: `node processors/hmac_chain/hmac_chain.bench.ts`.
 * CPU time, not time: other processes on the machine then disturb it less.
 */
import { CanonicalEncoder } from "./canonical_record.ts";
import { ChainMac } from "./chain_mac.ts";
import { ChainSigner } from "./chain_signer.ts";
import { genesisValue } from "./key_schedule.ts";
import { NO_STATEMENTS } from "./statement.ts";
import { accessLogRecords } from "./testing.ts";

const RECORDS = 100_000;
const BATCH = 512;
const ROUNDS = 7;
const chain = "00".repeat(16);
const records = accessLogRecords(RECORDS);
const batches = Array.from({ length: Math.ceil(RECORDS / BATCH) }, (_, index) =>
  records.slice(index * BATCH, (index + 1) * BATCH),
);

function measure(name: string, run: () => void): void {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(start);
    times.push(((user + system) * 1000) / RECORDS);
  }
  times.sort((a, b) => a - b);
  const median = times[ROUNDS >> 1]!;
  console.log(`${name.padEnd(34)} ${median.toFixed(0).padStart(6)} ns/record`);
}

const encoder = new CanonicalEncoder();
measure("canonical bytes", () => {
  for (const record of records) encoder.encode(record, NO_STATEMENTS);
});
measure("canonical bytes and SHA-256", () => {
  for (const record of records) encoder.digest(record, NO_STATEMENTS);
});
const mac = new ChainMac();
mac.setKey(new Uint8Array(32));
mac.setPrevious(genesisValue(chain));
const digest = encoder.digest(records[0]!, NO_STATEMENTS);
measure("HMAC of one link", () => {
  for (let index = 0; index < RECORDS; index++) mac.link(index, digest);
});
for (const ratchet of ["batch", "record"] as const) {
  const position = { chain, run: 0, nextSequence: 0, previousTag: genesisValue(chain) };
  const signer = new ChainSigner(position, new Uint8Array(32), ratchet);
  measure(`sign, ratchet: ${ratchet}, ${BATCH} a batch`, () => {
    for (const batch of batches) signer.sign(batch, NO_STATEMENTS);
  });
}
