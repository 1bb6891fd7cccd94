/** Log lines for the bench, from a fixed seed. */
import { once } from "node:events";
import { createWriteStream } from "node:fs";

const PATHS = [
  "/products/teapot",
  "/search",
  "/cart",
  "/api/v2/orders",
  "/static/app.js",
  "/login",
];
const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/139.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605.1.15",
];
const STATUSES = [200, 200, 200, 200, 200, 304, 301, 404, 500];
const VISITORS = 20_000;

/**
 * Access-log lines: 195 bytes each on average, no two alike, all of this moment, because `dp_window`
 * has no use for old ones. One in ten has an e-mail address in its query; each has a client address.
 */
export function* accessLogLines(count: number): Generator<string> {
  const choose = chooser();
  const time = new Date().toUTCString();
  const stamp = `${time.slice(5, 16).replaceAll(" ", "/")}:${time.slice(17, 25)} +0000`;
  for (let index = 0; index < count; index++) {
    const visitor = choose(VISITORS);
    const address = `10.${visitor >> 8}.${visitor & 255}.${1 + (visitor % 254)}`;
    const email = choose(10) === 0 ? `&email=person${visitor}@example.com` : "";
    const path = `${PATHS[choose(PATHS.length)]}?id=${choose(1_000_000)}${email}`;
    const status = STATUSES[choose(STATUSES.length)];
    const size = 200 + choose(50_000);
    const referer = `https://shop.example/p${choose(40)}`;
    const request = `"GET ${path} HTTP/1.1" ${status} ${size}`;
    const client = `"${referer}" "${AGENTS[choose(AGENTS.length)]}"`;
    yield `${address} - - [${stamp}] ${request} ${client}\n`;
  }
}

/** Kinds of lines that services write; `#` is a number below 1,000 and `%` an identifier. */
const EVENTS = [
  "INFO  [http-#] c.e.shop.OrderService - order % placed, # items, total #.# EUR, took # ms",
  "DEBUG [worker-#] c.e.shop.cache.CacheLoader - loaded segment % in # ms (hits=#, misses=#)",
  "WARN  [scheduler-#] c.e.shop.jobs.Retry - job % failed, attempt # of 5, next in # s",
  "ERROR [http-#] c.e.shop.PaymentClient - gateway answered 503 after # ms for request %",
  "INFO  [main] o.a.catalina.startup.Catalina - Server startup in # ms",
  "INFO  [kafka-#] o.a.k.clients.consumer - partition shop-#: offset % committed, lag #",
  "DEBUG [gc] heap before #M after #M, pause #.# ms",
  "INFO  [http-#] c.e.shop.SearchController - query took # ms, # results, index v#, node shard-#",
];

/** Lines of 110 bytes on average, no two alike, from a fixed seed; one in ten holds an e-mail. */
export function* applicationLogLines(count: number): Generator<string> {
  const choose = chooser();
  for (let index = 0; index < count; index++) {
    const event = EVENTS[choose(EVENTS.length)]!;
    const said = event
      .replaceAll("#", () => String(choose(1000)))
      .replaceAll("%", () => choose(2 ** 32).toString(16));
    const time = new Date(1_795_000_000_000 + index * 37).toISOString();
    const user = choose(10) === 0 ? ` user=person${choose(VISITORS)}@example.com` : "";
    yield `${time} ${said}${user}`;
  }
}

/** A linear congruential generator: the same numbers in every run. */
function chooser(): (bound: number) => number {
  let state = 20_261_121;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** Writes the lines to a file; gives its size in bytes. */
export async function writeAccessLog(path: string, count: number): Promise<number> {
  const file = createWriteStream(path);
  let text = "";
  let sizeBytes = 0;
  const flush = async (): Promise<void> => {
    sizeBytes += text.length;
    if (!file.write(text)) await once(file, "drain");
    text = "";
  };
  for (const line of accessLogLines(count)) {
    text += line;
    if (text.length > 1 << 20) await flush();
  }
  await flush();
  file.end();
  await once(file, "close");
  return sizeBytes;
}
