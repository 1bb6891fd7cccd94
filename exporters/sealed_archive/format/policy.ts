/**
 * Policy files (c2sp.org/tlog-policy): which logs are accepted, and which witnesses must have
 * cosigned a checkpoint.
 *
 * Invariant: a name stands for one witness or group, and is a member of one group at most; so no
 * witness counts twice towards the quorum.
 */
import { AgentError } from "../../../src/component/errors.ts";
import { openCosignature, parseCosigner } from "./cosignature.ts";
import type { NoteVerifier } from "./note.ts";
import { parseVerifier } from "./note.ts";

/** Far more than the 32 of each kind that the specification asks for. */
const LINES_MAX = 1000;
const NO_QUORUM = "none";

type Rule =
  | { readonly cosigner: NoteVerifier }
  | { readonly atLeast: number; readonly members: readonly string[] };

export interface Policy {
  readonly logs: readonly NoteVerifier[];
  /** Witnesses and groups by their name in the file. */
  readonly rules: ReadonlyMap<string, Rule>;
  /** Undefined: no cosignature is asked for. */
  readonly quorum: string | undefined;
}

export interface Witnessed {
  /** Does the note have the cosignatures that the policy asks for? */
  readonly isMet: boolean;
  /**
   * The newest time, in seconds since 1970, at or after which a quorum cosigned. Undefined without a
   * quorum.
   */
  readonly timeS: number | undefined;
  /** The names in the file of those whose cosignature is valid. */
  readonly witnesses: readonly string[];
}

/** Throws `archive.policy_invalid` with the line. */
export function parsePolicy(text: string): Policy {
  const lines = text.split("\n");
  if (lines.length > LINES_MAX) throw invalid(LINES_MAX, `there are more than ${LINES_MAX} lines`);
  const reader = new PolicyReader();
  for (const [at, line] of lines.entries()) reader.read(line, at + 1);
  return reader.finish(lines.length);
}

/** Which witnesses of the policy cosigned a checkpoint; the log's signature is not looked at. */
export function judgeNote({ rules, quorum }: Policy, note: string): Witnessed {
  const times = new Map<string, number>();
  for (const [name, rule] of rules) {
    if (!("cosigner" in rule)) continue;
    const opened = openCosignature(note, rule.cosigner);
    if (opened.status === "valid") times.set(name, opened.timeS);
  }
  const witnesses = [...times.keys()];
  if (quorum === undefined) return { isMet: true, timeS: undefined, witnesses };
  for (const timeS of new Set([...times.values()].sort((a, b) => b - a))) {
    const isMet = isWitnessed(rules, quorum, (name) => (times.get(name) ?? -1) >= timeS);
    if (isMet) return { isMet, timeS, witnesses };
  }
  return { isMet: false, timeS: undefined, witnesses };
}

function isWitnessed(
  rules: Policy["rules"],
  name: string,
  hasCosigned: (name: string) => boolean,
): boolean {
  const rule = rules.get(name)!;
  if ("cosigner" in rule) return hasCosigned(name);
  const met = rule.members.filter((member) => isWitnessed(rules, member, hasCosigned));
  return met.length >= rule.atLeast;
}

class PolicyReader {
  readonly #logs: NoteVerifier[] = [];
  readonly #rules = new Map<string, Rule>();
  /** Names that are a member of a group. */
  readonly #members = new Set<string>();
  #quorum: string | undefined;
  #line = 0;

  read(line: string, number: number): void {
    this.#line = number;
    if (/[^\P{Cc}\t]/u.test(line)) throw this.#invalid("it has a control character");
    const [keyword, ...words] = line.split(/[ \t]+/).filter((word) => word !== "");
    if (keyword === undefined || keyword.startsWith("#")) return;
    if (keyword === "log") this.#readLog(words);
    else if (keyword === "witness") this.#readWitness(words);
    else if (keyword === "group") this.#readGroup(words);
    else if (keyword === "quorum") this.#readQuorum(words);
    else throw this.#invalid("it begins with none of log, witness, group and quorum");
  }

  finish(lines: number): Policy {
    const quorum = this.#quorum;
    if (quorum === undefined) throw invalid(lines, "there is no quorum line");
    return {
      logs: this.#logs,
      rules: this.#rules,
      quorum: quorum === NO_QUORUM ? undefined : quorum,
    };
  }

  #readLog([vkey, , ...rest]: readonly string[]): void {
    if (vkey === undefined || rest.length > 0) throw this.#invalid("expected: log <vkey> [<url>]");
    this.#logs.push(this.#parseKey(() => parseVerifier(vkey), this.#logs));
  }

  #readWitness([name, vkey, , ...rest]: readonly string[]): void {
    if (name === undefined || vkey === undefined || rest.length > 0) {
      throw this.#invalid("expected: witness <name> <vkey> [<url>]");
    }
    const others = [...this.#rules.values()].flatMap((rule) =>
      "cosigner" in rule ? [rule.cosigner] : [],
    );
    this.#define(name, { cosigner: this.#parseKey(() => parseCosigner(vkey), others) });
  }

  #readGroup([name, threshold, ...members]: readonly string[]): void {
    if (name === undefined || threshold === undefined || members.length === 0) {
      throw this.#invalid("expected: group <name> all|any|<k> <name>...");
    }
    for (const member of members) {
      if (!this.#rules.has(member)) throw this.#invalid(`${member} is not defined before it`);
      if (this.#members.has(member))
        throw this.#invalid(`${member} is a member of a group already`);
      this.#members.add(member);
    }
    const atLeast = this.#parseThreshold(threshold, members.length);
    this.#define(name, { atLeast, members });
  }

  #parseThreshold(text: string, members: number): number {
    if (text === "all") return members;
    if (text === "any") return 1;
    const number = /^[1-9]\d{0,3}$/.test(text) ? Number(text) : 0;
    if (number >= 1 && number <= members) return number;
    throw this.#invalid("a group asks for all, for any, or for 1 to all of its members");
  }

  #readQuorum([name, ...rest]: readonly string[]): void {
    if (name === undefined || rest.length > 0) throw this.#invalid("expected: quorum <name>|none");
    if (this.#quorum !== undefined) throw this.#invalid("it is the second quorum line");
    if (name !== NO_QUORUM && !this.#rules.has(name)) {
      throw this.#invalid(`${name} is not defined before it`);
    }
    this.#quorum = name;
  }

  #define(name: string, rule: Rule): void {
    if (name === NO_QUORUM || this.#rules.has(name))
      throw this.#invalid(`${name} is taken already`);
    this.#rules.set(name, rule);
  }

  #parseKey(parse: () => NoteVerifier, others: readonly NoteVerifier[]): NoteVerifier {
    let key: NoteVerifier;
    try {
      key = parse();
    } catch (error) {
      throw error instanceof AgentError ? this.#invalid(error.message) : error;
    }
    if (!others.some(({ publicKey }) => publicKey.equals(key.publicKey))) return key;
    throw this.#invalid("the key is there already");
  }

  #invalid(problem: string): AgentError {
    return invalid(this.#line, problem);
  }
}

function invalid(line: number, problem: string): AgentError {
  return new AgentError("archive.policy_invalid", `line ${line} of the policy: ${problem}`);
}
