/**
 * Every error the agent can give. `docs/reference/errors.md` is generated from this table.
 * `permanent` tells a receiver whether sending the same records again can help.
 */
interface ErrorKind {
  readonly permanent: boolean;
  /** What happened, in one sentence. */
  readonly meaning: string;
  /** What to do about it, in one sentence. */
  readonly nextStep: string;
}

export const errorCatalogue = {
  "pipeline.shutting_down": {
    permanent: false,
    meaning: "The agent is stopping and did not finish these records.",
    nextStep: "Nothing: they are read or sent again after the next start.",
  },
  "demo.program_ended": {
    permanent: true,
    meaning: "A program of the demo ended by itself.",
    nextStep: "Read what it printed; a port in use and a full disk are the usual reasons.",
  },
  "storage.unwritable": {
    permanent: false,
    meaning: "A file of the state directory could not be written (full disk, permissions).",
    nextStep: "Make room or fix the permissions; the agent waits and goes on by itself.",
  },
  "storage.corrupt": {
    permanent: true,
    meaning: "A file of the state directory is damaged.",
    nextStep: "Restore it from a backup, or move it away if its README says that this is safe.",
  },
  "storage.locked": {
    permanent: true,
    meaning: "Another process uses this directory.",
    nextStep: "Stop the other agent, or give this one a directory of its own.",
  },
  "storage.insecure": {
    permanent: true,
    meaning: "A secret file or folder can be read or written by other users.",
    nextStep: "Set its mode to 0600 (a folder to 0700) and check who had access.",
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorCatalogue;
