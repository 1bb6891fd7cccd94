/** Keeps an official exporter from what the environment says to instrumented applications. */

const OTLP_VARIABLES = "OTEL_EXPORTER_OTLP_";

/**
 * The official exporter's constructor merges headers and certificates from `OTEL_EXPORTER_OTLP_*`
 * into what it is given. Those variables are meant for instrumented applications; here they would
 * send one backend's token to another.
 */
export function withoutOtlpVariables<T>(build: () => T): T {
  const hidden = Object.entries(process.env).filter(([name]) => name.startsWith(OTLP_VARIABLES));
  for (const [name] of hidden) delete process.env[name];
  try {
    return build();
  } finally {
    for (const [name, value] of hidden) process.env[name] = value;
  }
}
