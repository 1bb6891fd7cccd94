/** Every command, by name. Each is loaded only when it is called, so that `--help` stays quick. */
import type { Command } from "./command.ts";

export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import("./run.ts")).runCommand,
  demo: async () => (await import("./demo.ts")).demoCommand,
  validate: async () => (await import("./validate.ts")).validateCommand,
  doctor: async () => (await import("./doctor.ts")).doctorCommand,
  "dead-letters": async () => (await import("./dead_letters.ts")).deadLettersCommand,
  config: async () => (await import("./config_show.ts")).configCommand,
  preview: async () => (await import("./preview.ts")).previewCommand,
  components: async () => (await import("./components.ts")).componentsCommand,
  budget: async () => (await import("./budget.ts")).budgetCommand,
  keys: async () => (await import("./keys.ts")).keysCommand,
  verify: async () => (await import("./verify.ts")).verifyCommand,
  report: async () => (await import("./report.ts")).reportCommand,
  prove: async () => (await import("./prove.ts")).proveCommand,
  "verify-proof": async () => (await import("./verify_proof.ts")).verifyProofCommand,
  "verify-chain": async () => (await import("./verify_chain.ts")).verifyChainCommand,
  segments: async () => (await import("./segments.ts")).segmentsCommand,
  hold: async () => (await import("./hold.ts")).holdCommand,
  redact: async () => (await import("./redact.ts")).redactCommand,
  reveal: async () => (await import("./reveal.ts")).revealCommand,
  erase: async () => (await import("./erase.ts")).eraseCommand,
  read: async () => (await import("./read.ts")).readCommand,
};
