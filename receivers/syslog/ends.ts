/** Where a message came from, as attributes. */
import type { Attributes } from "../../src/data/any_value.ts";

/** Where a message came from and arrived, as the attributes of the Collector. */
export interface Ends {
  readonly peerAddress: string;
  readonly peerPort: number;
  readonly hostAddress: string;
  readonly hostPort: number;
}

export function endAttributes(transport: "IP.TCP" | "IP.UDP", ends: Ends): Attributes {
  return {
    "net.transport": transport,
    "net.peer.ip": ends.peerAddress,
    "net.peer.port": String(ends.peerPort),
    "net.host.ip": ends.hostAddress,
    "net.host.port": String(ends.hostPort),
  };
}
