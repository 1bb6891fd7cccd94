/** An authority of one test and certificates by it, made by openssl. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { temporaryDirectory } from "./test_settings.ts";

/** For `{ skip }` of a test. */
export const skipWithoutOpenssl = hasOpenssl() ? false : "openssl is not installed";

/**
 * Gives the function from a name to a path: `ca.pem`, `server.pem`, `server.key`, `client.pem`,
 * `client.key`.
 */
export async function certificates(context: TestContext): Promise<(name: string) => string> {
  const directory = await temporaryDirectory(context);
  const openssl = (...words: string[]): void => {
    execFileSync("openssl", words, { cwd: directory, stdio: "pipe" });
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA");
  writeFileSync(join(directory, "names"), "subjectAltName=DNS:localhost,DNS:alt.test");
  for (const name of ["server", "client"]) {
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    openssl(
      ...["x509", "-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key"],
      ...["-CAcreateserial", "-out", `${name}.pem`, "-days", "2", "-extfile", "names"],
    );
  }
  return (name) => join(directory, name);
}

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}
