/**
 * Signed notes (c2sp.org/signed-note) with Ed25519 keys, and the log's key files.
 *
 * Invariant: a signature is accepted only over the exact bytes of the text, by a key whose name and
 * id match the signature line. Lines of unknown keys are ignored, as the specification demands.
 *
 * The private key file is that of Go's `golang.org/x/mod/sumdb/note`:
 * `PRIVATE+KEY+<name>+<key id>+base64(0x01 || seed)`; the public one (vkey) is
 * `<name>+<key id>+base64(0x01 || public key)`.
 */
import type { KeyObject } from "node:crypto";
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { AgentError } from "../../../src/component/errors.ts";
import { sha256 } from "./merkle.ts";

/** Signature types of c2sp.org/signed-note: the first byte of a key in text form. */
export type KeyType = 1 | 4;
const TYPE_ED25519 = 1;
const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_ED25519 = Buffer.from("302a300506032b6570032100", "hex");
const SIGNATURES_MAX = 64;

export interface NoteVerifier {
  readonly name: string;
  /** Eight hex digits. */
  readonly keyId: string;
  readonly publicKey: KeyObject;
  /** The vkey text. */
  readonly vkey: string;
}

export interface NoteSigner {
  readonly verifier: NoteVerifier;
  readonly privateKey: KeyObject;
}

/** Key names: not empty, no Unicode space, no `+`, no control character. */
export function isKeyName(name: string): boolean {
  return name.length > 0 && name.isWellFormed() && !/[\p{White_Space}\p{Cc}+]/u.test(name);
}

/** A new private key's text for a name, from 32 random bytes. */
export function encodeSigningKey(
  name: string,
  seed: Uint8Array,
  type: KeyType = TYPE_ED25519,
): string {
  const { keyId } = verifierOf(name, publicKeyOf(privateKeyFromSeed(seed)), type);
  return `PRIVATE+KEY+${name}+${keyId}+${encodeKey(seed, type)}`;
}

/** Throws `archive.key_invalid`; the message never quotes the text. */
export function parseSigningKey(text: string, type: KeyType = TYPE_ED25519): NoteSigner {
  const match = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim());
  const seed = match === null ? undefined : decodeKey(match[3]!, type);
  if (match === null || seed === undefined || !isKeyName(match[1]!)) {
    throw new AgentError("archive.key_invalid", `the key file holds no ${signingKeyOf(type)}`);
  }
  const privateKey = privateKeyFromSeed(seed);
  const verifier = verifierOf(match[1]!, publicKeyOf(privateKey), type);
  if (verifier.keyId !== match[2]) {
    throw new AgentError("archive.key_invalid", "the signing key's id does not belong to its key");
  }
  return { verifier, privateKey };
}

/** Throws `archive.key_invalid`. */
export function parseVerifier(text: string, type: KeyType = TYPE_ED25519): NoteVerifier {
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim());
  const key = match === null ? undefined : decodeKey(match[3]!, type);
  if (match === null || key === undefined || !isKeyName(match[1]!)) {
    throw new AgentError(
      "archive.key_invalid",
      `this is no verifier key of an ${signingKeyOf(type)}; expected <name>+<8 hex digits>+<base64>`,
    );
  }
  const verifier = verifierOf(match[1]!, key, type);
  if (verifier.keyId !== match[2]) {
    throw new AgentError("archive.key_invalid", "the verifier key's id does not belong to its key");
  }
  return verifier;
}

/** Would {@link parseVerifier} take it? */
export function isVerifierKey(text: string): boolean {
  try {
    return parseVerifier(text).vkey === text;
  } catch {
    return false;
  }
}

/** `text` must end in a newline. One signature line for each signer. */
export function signNote(text: string, ...signers: readonly NoteSigner[]): string {
  const lines = signers.map(({ verifier, privateKey }) =>
    signatureLine(verifier, sign(null, Buffer.from(text), privateKey)),
  );
  return `${text}\n${lines.join("")}`;
}

export type OpenedNote =
  | { readonly status: "valid"; readonly text: string }
  /** The note parses, but this key did not sign it, or its signature does not fit. */
  | { readonly status: "unsigned" | "forged"; readonly text: string }
  | { readonly status: "malformed" };

/** Splits a note and checks the signature of one key. */
export function openNote(note: string, verifier: NoteVerifier): OpenedNote {
  const split = splitNote(note);
  if (split === undefined) return { status: "malformed" };
  const { text } = split;
  let status: "valid" | "unsigned" | "forged" = "unsigned";
  for (const signature of signaturesBy(verifier, split)) {
    if (!verify(null, Buffer.from(text), verifier.publicKey, signature)) {
      return { status: "forged", text };
    }
    status = "valid";
  }
  return { status, text };
}

export interface SplitNote {
  /** Ends in a newline. */
  readonly text: string;
  readonly signatures: readonly {
    readonly name: string;
    readonly keyId: string;
    /** What follows the key id. */
    readonly bytes: Buffer;
  }[];
}

/** Undefined for a malformed note. No signature is checked. */
export function splitNote(note: string): SplitNote | undefined {
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n") || hasControlCharacter(note)) return undefined;
  const lines = note.slice(split + 2, -1).split("\n");
  if (lines.length > SIGNATURES_MAX) return undefined;
  const signatures = [];
  for (const line of lines) {
    const match = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line);
    const blob = match === null ? undefined : decodeBase64(match[2]!);
    if (blob === undefined || blob.length < 5) return undefined;
    const keyId = blob.subarray(0, 4).toString("hex");
    signatures.push({ name: match![1]!, keyId, bytes: blob.subarray(4) });
  }
  return { text: note.slice(0, split + 1), signatures };
}

/** What claims to be of this key. */
export function signaturesBy({ name, keyId }: NoteVerifier, { signatures }: SplitNote): Buffer[] {
  return signatures
    .filter((signature) => signature.name === name && signature.keyId === keyId)
    .map(({ bytes }) => bytes);
}

/** One line of a note. */
export function signatureLine({ name, keyId }: NoteVerifier, bytes: Uint8Array): string {
  const blob = Buffer.concat([Buffer.from(keyId, "hex"), bytes]);
  return `\u2014 ${name} ${blob.toString("base64")}\n`;
}

/** Canonical base64 only: what encodes back to the very same text. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

function hasControlCharacter(note: string): boolean {
  return !note.isWellFormed() || /[^\P{Cc}\n]/u.test(note);
}

function signingKeyOf(type: KeyType): string {
  return type === TYPE_ED25519 ? "Ed25519 signing key" : "Ed25519 cosigning key (type 4)";
}

function encodeKey(bytes: Uint8Array, type: KeyType): string {
  return Buffer.concat([Buffer.of(type), bytes]).toString("base64");
}

function decodeKey(text: string, type: KeyType): Buffer | undefined {
  const bytes = decodeBase64(text);
  return bytes?.length === 33 && bytes[0] === type ? bytes.subarray(1) : undefined;
}

function privateKeyFromSeed(seed: Uint8Array): KeyObject {
  return createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, seed]),
    format: "der",
    type: "pkcs8",
  });
}

function publicKeyOf(privateKey: KeyObject): Buffer {
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return spki.subarray(SPKI_ED25519.length);
}

function verifierOf(name: string, key: Uint8Array, type: KeyType): NoteVerifier {
  const typed = Buffer.concat([Buffer.of(type), key]);
  const keyId = sha256(Buffer.concat([Buffer.from(`${name}\n`), typed])).toString("hex", 0, 4);
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI_ED25519, key]),
    format: "der",
    type: "spki",
  });
  return { name, keyId, publicKey, vkey: `${name}+${keyId}+${typed.toString("base64")}` };
}
