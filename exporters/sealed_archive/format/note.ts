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
export function encodeSigningKey(name: string, seed: Uint8Array): string {
  const { keyId } = verifierOf(name, publicKeyOf(privateKeyFromSeed(seed)));
  return `PRIVATE+KEY+${name}+${keyId}+${encodeKey(seed)}`;
}

/** Throws `archive.key_invalid`; the message never quotes the text. */
export function parseSigningKey(text: string): NoteSigner {
  const match = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim());
  const seed = match === null ? undefined : decodeKey(match[3]!);
  if (match === null || seed === undefined || !isKeyName(match[1]!)) {
    throw new AgentError("archive.key_invalid", "the log key file holds no Ed25519 signing key");
  }
  const privateKey = privateKeyFromSeed(seed);
  const verifier = verifierOf(match[1]!, publicKeyOf(privateKey));
  if (verifier.keyId !== match[2]) {
    throw new AgentError("archive.key_invalid", "the log key's id does not belong to its key");
  }
  return { verifier, privateKey };
}

/** Throws `archive.key_invalid`. */
export function parseVerifier(text: string): NoteVerifier {
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim());
  const key = match === null ? undefined : decodeKey(match[3]!);
  if (match === null || key === undefined || !isKeyName(match[1]!)) {
    throw new AgentError(
      "archive.key_invalid",
      "this is no verifier key; expected <name>+<8 hex digits>+<base64> with an Ed25519 key",
    );
  }
  const verifier = verifierOf(match[1]!, key);
  if (verifier.keyId !== match[2]) {
    throw new AgentError("archive.key_invalid", "the verifier key's id does not belong to its key");
  }
  return verifier;
}

/** `text` must end in a newline. One signature line for each signer. */
export function signNote(text: string, ...signers: readonly NoteSigner[]): string {
  const lines = signers.map(({ verifier: { name, keyId }, privateKey }) => {
    const signature = sign(null, Buffer.from(text), privateKey);
    const blob = Buffer.concat([Buffer.from(keyId, "hex"), signature]);
    return `\u2014 ${name} ${blob.toString("base64")}\n`;
  });
  return `${text}\n${lines.join("")}`;
}

export type OpenedNote =
  | { readonly status: "valid"; readonly text: string }
  /** The note parses, but this key did not sign it, or its signature does not fit. */
  | { readonly status: "unsigned" | "forged"; readonly text: string }
  | { readonly status: "malformed" };

/** Splits a note and checks the signature of one key. */
export function openNote(note: string, verifier: NoteVerifier): OpenedNote {
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n") || hasControlCharacter(note))
    return { status: "malformed" };
  const text = note.slice(0, split + 1);
  const lines = note.slice(split + 2, -1).split("\n");
  if (lines.length > SIGNATURES_MAX) return { status: "malformed" };
  let status: "valid" | "unsigned" | "forged" = "unsigned";
  for (const line of lines) {
    const match = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line);
    const blob = match === null ? undefined : decodeBase64(match[2]!);
    if (blob === undefined || blob.length < 5) return { status: "malformed" };
    if (match![1] !== verifier.name) continue;
    if (blob.subarray(0, 4).toString("hex") !== verifier.keyId) continue;
    if (!verify(null, Buffer.from(text), verifier.publicKey, blob.subarray(4))) {
      return { status: "forged", text };
    }
    status = "valid";
  }
  return { status, text };
}

/** Canonical base64 only: what encodes back to the very same text. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

function hasControlCharacter(note: string): boolean {
  return !note.isWellFormed() || /[^\P{Cc}\n]/u.test(note);
}

function encodeKey(bytes: Uint8Array): string {
  return Buffer.concat([Buffer.of(TYPE_ED25519), bytes]).toString("base64");
}

function decodeKey(text: string): Buffer | undefined {
  const bytes = decodeBase64(text);
  return bytes?.length === 33 && bytes[0] === TYPE_ED25519 ? bytes.subarray(1) : undefined;
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

function verifierOf(name: string, key: Uint8Array): NoteVerifier {
  const typed = Buffer.concat([Buffer.of(TYPE_ED25519), key]);
  const keyId = sha256(Buffer.concat([Buffer.from(`${name}\n`), typed])).toString("hex", 0, 4);
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI_ED25519, key]),
    format: "der",
    type: "spki",
  });
  return { name, keyId, publicKey, vkey: `${name}+${keyId}+${typed.toString("base64")}` };
}
