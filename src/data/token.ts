/**
 * The forms of a text that stands for a value. They are a contract between processors: whoever
 * meets one leaves it alone, so that treating a record twice is the same as treating it once.
 *
 * - A token, `<entity:kid:code>`, for example `<email:k20261121a:3f6zk2q5c7n4yw2mhd5a>`: the key id
 *   is 1 to 24 of `a-z 0-9`, the code 20 to 64 of `a-z 0-9`.
 * - A sealed value, `<entity:age:file>`: an age file (age-encryption.org/v1) in base64url
 *   (RFC 4648 section 5, padded, as `basenc` reads it), which only its recipients can open.
 * - A field value, `<entity:field:ciphertext>`: encrypted under the field key of a person, in
 *   base64url without padding. It is opened with the vault that holds the key.
 *
 * The entity is 1 to 48 characters of `a-z 0-9 _`.
 */
const TOKEN =
  /<[a-z][a-z0-9_]{0,47}:(?:[a-z0-9]{1,24}:[a-z0-9]{20,64}|age:[\w-]+={0,2}|field:[\w-]+)>/y;
const FIELD = /^<([a-z][a-z0-9_]{0,47}):field:([\w-]+)>$/;
const SEALED = /^<([a-z][a-z0-9_]{0,47}):age:([\w-]+={0,2})>$/;

export function formatToken(entity: string, keyId: string, code: string): string {
  return `<${entity}:${keyId}:${code}>`;
}

export function formatSealedValue(entity: string, ageFile: Buffer): string {
  const base64 = ageFile.toString("base64").replaceAll("+", "-").replaceAll("/", "_");
  return `<${entity}:age:${base64}>`;
}

/** Undefined when the text is no sealed value. Whether its file is whole, decryption tells. */
export function parseSealedValue(text: string): { entity: string; ageFile: Buffer } | undefined {
  const match = SEALED.exec(text);
  if (match === null) return undefined;
  return { entity: match[1]!, ageFile: Buffer.from(match[2]!, "base64url") };
}

export function formatFieldValue(entity: string, ciphertext: Buffer): string {
  return `<${entity}:field:${ciphertext.toString("base64url")}>`;
}

/** Undefined when the text is no field value. Whether it is whole, decryption tells. */
export function parseFieldValue(text: string): { entity: string; ciphertext: Buffer } | undefined {
  const match = FIELD.exec(text);
  if (match === null) return undefined;
  return { entity: match[1]!, ciphertext: Buffer.from(match[2]!, "base64url") };
}

/** The end of the token, sealed or field value that begins at `start`, or -1: there is none. */
export function tokenEndAt(text: string, start: number): number {
  TOKEN.lastIndex = start;
  return TOKEN.test(text) ? TOKEN.lastIndex : -1;
}
