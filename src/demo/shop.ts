/**
 * The application of the demo: a small HTTP shop as one finds it behind a proxy. It writes a
 * combined access log to a file and emits its application log with the ordinary OpenTelemetry SDK.
 * It is a process of its own and knows nothing of the agent but an OTLP address, as in production.
 *
 * Reads `PORT`, `ACCESS_LOG` and the SDK's own `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`. Every person and
 * number in it is made up (RFC 5737 and RFC 3849 addresses, test card numbers, example domains).
 */
import { createWriteStream } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";

const accessLog = createWriteStream(process.env.ACCESS_LOG ?? "access.log", { flags: "a" });
const provider = new LoggerProvider({
  resource: resourceFromAttributes({ "service.name": "shop" }),
  processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })],
});
const logger = provider.getLogger("shop.orders");

const server = createServer((request, response) => {
  serve(request, response).catch(() => response.writeHead(500).end());
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address !== "string") {
    process.stdout.write(`${JSON.stringify({ port: address.port })}\n`);
  }
});
process.on("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
  accessLog.end();
  provider.shutdown().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://shop.example");
  let status = 200;
  if (url.pathname === "/checkout" && request.method === "POST") {
    status = checkOut(JSON.parse(await readBody(request)) as Order) ? 201 : 402;
  } else if (url.pathname === "/login" && request.method === "POST") {
    const { email } = JSON.parse(await readBody(request)) as { email: string };
    logger.emit({
      severityNumber: SeverityNumber.INFO,
      severityText: "INFO",
      body: `${email} logged in`,
    });
  } else if (!["/", "/search", "/cart"].includes(url.pathname)) {
    status = url.pathname.startsWith("/products/") ? 200 : 404;
  }
  const body = `${url.pathname} ${status}\n`.repeat(20);
  response.writeHead(status, { "content-type": "text/plain" }).end(body);
  accessLog.write(combinedLogLine(request, status, body.length));
}

interface Order {
  readonly id: string;
  readonly email: string;
  readonly card: string;
  readonly phone: string;
  readonly amount: string;
}

/** Some cards are refused, as in life. It logs the kind of line that leaks in real shops. */
function checkOut(order: Order): boolean {
  const accepted = !order.card.endsWith("7");
  const outcome = accepted ? "accepted" : "declined";
  const severity = accepted
    ? { severityNumber: SeverityNumber.INFO, severityText: "INFO" }
    : { severityNumber: SeverityNumber.WARN, severityText: "WARN" };
  logger.emit({
    ...severity,
    body: `payment of ${order.amount} by ${order.email} with card ${order.card} ${outcome}`,
    attributes: { "order.id": order.id, "user.email": order.email, "user.phone": order.phone },
  });
  return accepted;
}

/** Apache's and nginx' `combined` format; the client is the one that the proxy names. */
function combinedLogLine(request: IncomingMessage, status: number, bytes: number): string {
  const { headers, method, url, httpVersion } = request;
  const client = String(headers["x-forwarded-for"] ?? request.socket.remoteAddress);
  const date = new Date().toUTCString(); // Sat, 21 Nov 2026 05:43:15 GMT
  const time = `${date.slice(5, 16).replaceAll(" ", "/")}:${date.slice(17, 25)} +0000`;
  const what = `"${method} ${url} HTTP/${httpVersion}" ${status} ${bytes}`;
  const user = headers["x-user"] ?? "-";
  const from = `"${headers.referer ?? "-"}" "${headers["user-agent"] ?? "-"}"`;
  return `${client} - ${user} [${time}] ${what} ${from}\n`;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
