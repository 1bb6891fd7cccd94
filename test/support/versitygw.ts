/**
 * A real S3 server for tests: versitygw (github.com/versity/versitygw) over a folder, with versions
 * and Object Lock, on loopback.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { S3Client } from "@aws-sdk/client-s3";
import { temporaryDirectory } from "../../src/testing/test_settings.ts";
import { freePorts } from "./agent.ts";
import { TOOL_PATH } from "./tools.ts";

export const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test-secret" };
const READY = /http:\/\/127\.0\.0\.1:\d+ /;

export interface Versitygw {
  readonly endpoint: string;
  readonly client: S3Client;
  /** Ends the server; `start` begins it again with the same objects. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startVersitygw(t: TestContext): Promise<Versitygw> {
  const root = await temporaryDirectory(t);
  const [data, versions] = [join(root, "data"), join(root, "versions")];
  await mkdir(data);
  await mkdir(versions);
  const [port] = (await freePorts(1)) as [number];
  const endpoint = `http://127.0.0.1:${port}`;
  let stop = async (): Promise<void> => {};
  const start = async (): Promise<void> => {
    const words = ["--port", `127.0.0.1:${port}`, "posix", "--versioning-dir", versions, data];
    const child = spawn("versitygw", words, {
      env: {
        PATH: TOOL_PATH,
        ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId,
        ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey,
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    stop = async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    };
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    let text = "";
    child.once("exit", () => reject(new Error(`versitygw ended: ${text}`)));
    child.stdout.on("data", (chunk) => {
      text = `${text}${String(chunk)}`.slice(-4096);
      if (READY.test(text)) resolve();
    });
    await ready;
  };
  await start();
  t.after(() => stop());
  const client = new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: CREDENTIALS,
  });
  t.after(() => client.destroy());
  return { endpoint, client, stop: () => stop(), start };
}
