/**
 * The form of a token that stands for a value: `<entity:kid:code>`, for example
 * `<email:k20261121a:3f6zk2q5c7n4yw2mhd5a>`. It is a contract between processors: whoever meets a
 * token leaves it alone, so that treating a record twice is the same as treating it once.
 *
 * The entity is 1 to 48 characters of `a-z 0-9 _`, the key id 1 to 24 of `a-z 0-9`, the code 20 to
 * 64 of `a-z 0-9`.
 */
const TOKEN = /<[a-z][a-z0-9_]{0,47}:[a-z0-9]{1,24}:[a-z0-9]{20,64}>/y;

export function formatToken(entity: string, keyId: string, code: string): string {
  return `<${entity}:${keyId}:${code}>`;
}

/** The end of the token that begins at `start`, or -1 when there is none. */
export function tokenEndAt(text: string, start: number): number {
  TOKEN.lastIndex = start;
  return TOKEN.test(text) ? TOKEN.lastIndex : -1;
}
