/**
 * Attribute names by which a record carries its place in a chain. The first two are those of the
 * Collector's signing processor; the others have no standard name yet.
 */
export const INTEGRITY_VALUE = "audit.integrity.value";
export const INTEGRITY_ALGORITHM = "audit.integrity.algorithm";
/** Random id of the chain, given at its genesis. */
export const INTEGRITY_CHAIN = "audit.integrity.chain";
/** Integer, rising by one within a chain except across a recorded restart. */
export const INTEGRITY_SEQUENCE = "audit.integrity.sequence";
/** `<run>.<step>`: which ratchet key of the chain made the value. */
export const INTEGRITY_EPOCH = "audit.integrity.epoch";
/** On the first record of a batch: the value that this record's value continues. */
export const INTEGRITY_PREVIOUS = "audit.integrity.previous";
/** On the first record after a restart: the statement that explains a hole before it. */
export const INTEGRITY_RESTART = "audit.integrity.restart";
/** On the first record of a batch: sequences before it that an exporter refused. */
export const INTEGRITY_UNDELIVERED = "audit.integrity.undelivered";
