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
  "hmac_chain.file_unreadable": {
    permanent: true,
    meaning: "A file of exported records could not be read.",
    nextStep: "Check its name and that it is OTLP JSON, one request a line, plain or gzip (.gz).",
  },
  "hmac_chain.key_file": {
    permanent: true,
    meaning: "A file of the chain's key could not be read, written or understood.",
    nextStep: "Name a file that `vouchsafe keys generate chain` or the chain's genesis wrote.",
  },
  "hmac_chain.state_missing": {
    permanent: true,
    meaning: "A chain was begun in this folder, but its state is gone.",
    nextStep: "Restore `chain.state`; or move `genesis.age` to the auditor to begin a new chain.",
  },
  "hmac_chain.state_unwritable": {
    permanent: false,
    meaning: "The chain cannot reserve sequences because its state could not be written.",
    nextStep: "Make room or fix the permissions; the agent waits and goes on by itself.",
  },
  "otlp.malformed": {
    permanent: true,
    meaning: "A message is not OTLP logs in the encoding that it claims to have.",
    nextStep: "Check the sender's exporter; the place in the message is in the error.",
  },
  "otlp.limit_exceeded": {
    permanent: true,
    meaning: "A value is nested too deeply, or a request, record or resource holds too much.",
    nextStep: "Send smaller or flatter records, or raise the limit that the error names.",
  },
  "otlp.too_large": {
    permanent: true,
    meaning: "A request is larger than allowed, before or after decompression.",
    nextStep: "Let the sender make smaller batches, or raise the limit that the error names.",
  },
  "otlp.overloaded": {
    permanent: false,
    meaning: "Too many bytes of requests wait for delivery.",
    nextStep: "See which exporter is slow; senders try again by themselves.",
  },
  "otlp.not_acknowledged": {
    permanent: false,
    meaning: "Records were not delivered before the client had to be answered.",
    nextStep: "See which exporter is slow; senders try again and are told when it is done.",
  },
  "otlp.client_gone": {
    permanent: false,
    meaning: "A client closed the connection before its request was complete.",
    nextStep: "Nothing: nothing of the request was used, and the client sends it again.",
  },
  "otlp.too_slow": {
    permanent: false,
    meaning: "A request took longer to arrive than allowed.",
    nextStep: "See the client's network; or raise `read_timeout`.",
  },
  "otlp.unauthenticated": {
    permanent: true,
    meaning: "A client showed no credentials, or wrong ones.",
    nextStep: "Give the client the token or the password that the receiver's authenticator knows.",
  },
  "auth.unusable": {
    permanent: true,
    meaning: "The tokens or passwords of an authenticator cannot be read or understood.",
    nextStep: "Check the path, the permissions and the form of what the extension names.",
  },
  "listening.port_in_use": {
    permanent: true,
    meaning: "Another program listens where a receiver is to listen.",
    nextStep: "Stop the other program (often an OpenTelemetry Collector) or change the endpoint.",
  },
  "listening.cannot_listen": {
    permanent: true,
    meaning: "The endpoint of a receiver cannot be opened.",
    nextStep: "Use an address of this host, and a port above 1023 unless the agent may use others.",
  },
  "listening.tls_file": {
    permanent: true,
    meaning: "A certificate or key file of a receiver cannot be read or used.",
    nextStep: "Check the path, the permissions, and that certificate and key belong together.",
  },
  "journald.failed": {
    permanent: false,
    meaning: "The program journalctl cannot be run, or ended with an error.",
    nextStep: "Install systemd, set `journalctl_path`, or let the agent's user read the journal.",
  },
  "journald.malformed": {
    permanent: false,
    meaning: "What journalctl wrote is not in the Journal Export Format.",
    nextStep: "Check that `journalctl_path` is journalctl; it is started again meanwhile.",
  },
  "stdin.in_use": {
    permanent: true,
    meaning: "Two receivers are to read the agent's standard input.",
    nextStep: "Keep one `stdin` receiver; several pipelines can share it.",
  },
  "telemetry.port_in_use": {
    permanent: true,
    meaning: "Another process listens where the agent shows its metrics or its health.",
    nextStep: "Set another host or port for the key that the message names, or stop that process.",
  },
  "telemetry.cannot_listen": {
    permanent: true,
    meaning: "The agent cannot listen where it is to show its metrics or its health.",
    nextStep: "Check the host and the port of the key that the message names.",
  },
  "queue.key_unusable": {
    permanent: true,
    meaning: "The key of a durable queue cannot be read or is too short.",
    nextStep:
      "Restore it, or give its path in `sending_queue.key_file`; 32 random bytes, mode 0600.",
  },
  "queue.dead_letter_damaged": {
    permanent: true,
    meaning: "A batch among the dead letters was changed on disk and cannot be read.",
    nextStep: "Run `vouchsafe dead-letters drop` for that exporter once the others are exported.",
  },
  "queue.full": {
    permanent: true,
    meaning: "A durable queue had no room, and `block_on_overflow: false` forbids to wait.",
    nextStep:
      "Enlarge the queue, remove `block_on_overflow: false`, or see why the backend is slow.",
  },
  "queue.record_too_large": {
    permanent: true,
    meaning: "A single record is larger than a frame of the durable queue may be.",
    nextStep: "Cut such records with `minimize`, or read them with a smaller `max_log_size`.",
  },
  "otlp_http.unreachable": {
    permanent: false,
    meaning: "An OTLP backend took no records for longer than `max_elapsed_time`.",
    nextStep: "Check the backend and the network; the records wait and are sent again.",
  },
  "otlp_http.rejected": {
    permanent: true,
    meaning: "An OTLP backend refused records for good, with a status that forbids a retry.",
    nextStep: "Look up the status code: a wrong endpoint, a missing token or a size limit.",
  },
  "otlp_http.tls_file": {
    permanent: true,
    meaning: "A certificate or key file for an OTLP backend cannot be read or used.",
    nextStep: "Check the path, the permissions and that it holds PEM.",
  },
  "memory_limiter.refused": {
    permanent: false,
    meaning: "The agent uses more memory than `memory_limiter` allows and takes no records.",
    nextStep: "Nothing: they are offered again; raise the limit if it happens often.",
  },
  "otlp_grpc.unreachable": {
    permanent: false,
    meaning: "An OTLP backend took no records over gRPC for longer than `max_elapsed_time`.",
    nextStep: "Check the backend and the network; the records wait and are sent again.",
  },
  "otlp_grpc.rejected": {
    permanent: true,
    meaning: "An OTLP backend refused records over gRPC with a status that forbids a retry.",
    nextStep: "Look up the status: a wrong endpoint, a missing token or a size limit.",
  },
  "otlp_grpc.tls_file": {
    permanent: true,
    meaning: "A certificate or key file for an OTLP backend cannot be read or used.",
    nextStep: "Check the path, the permissions and that it holds PEM.",
  },
  "archive.foreign": {
    permanent: true,
    meaning: "The archive, its key or the state directory belongs to another log.",
    nextStep: "Check `directory`, `origin` and `signing_key_file`; each log has its own of each.",
  },
  "archive.state_missing": {
    permanent: true,
    meaning: "The archive is not empty, but this agent's state directory never wrote to it.",
    nextStep: "Restore the state directory, or begin a new archive in an empty folder.",
  },
  "archive.forked": {
    permanent: true,
    meaning: "The archive and the state directory disagree about what was signed.",
    nextStep: "Run `vouchsafe verify`, keep both folders as evidence, and begin a new archive.",
  },
  "archive.damaged": {
    permanent: true,
    meaning: "A file of the archive that the agent needs is missing or was changed.",
    nextStep: "Run `vouchsafe verify` and restore the named file from a copy.",
  },
  "archive.key_invalid": {
    permanent: true,
    meaning: "A key of the log could not be read or is not of the expected form.",
    nextStep: "Name a file that `vouchsafe keys generate log` or the archive's genesis wrote.",
  },
  "archive.key_exists": {
    permanent: true,
    meaning: "A key was to be written to a file that exists.",
    nextStep: "Choose another path; keys are never overwritten.",
  },
  "archive.identity_invalid": {
    permanent: true,
    meaning: "An identity file could not be read or holds no age identity.",
    nextStep: "Name a file that `vouchsafe keys generate identity` or `age-keygen` wrote.",
  },
  "archive.wrong_identity": {
    permanent: true,
    meaning: "None of the identities given can decrypt the archive's blocks.",
    nextStep: "Use the identity of one of the recipients that the genesis or restart entry names.",
  },
  "archive.unreadable": {
    permanent: true,
    meaning: "There is no archive at this path, or a file of it cannot be read.",
    nextStep: "Check the path and the permissions.",
  },
  "archive.copy_failed": {
    permanent: false,
    meaning: "The archive could not be copied to, or read from, object storage.",
    nextStep: "Look at the server's words and at the rights of the account; the agent tries again.",
  },
  "archive.copy_conflict": {
    permanent: false,
    meaning: "The bucket holds something else where a copy of the archive belongs.",
    nextStep: "Find out who wrote it, keep it as evidence, and give the copy another prefix.",
  },
  "archive.entry_refused": {
    permanent: true,
    meaning: "An entry that a command wanted to have recorded in the archive was not taken.",
    nextStep: "Run the command as the agent's user, and look at the agent's log.",
  },
  "archive.tampered": {
    permanent: true,
    meaning: "A part of the archive is not what its log says.",
    nextStep: "Run `vouchsafe verify` for all places, and keep the archive as evidence.",
  },
  "dp_window.clock_behind_ledger": {
    permanent: true,
    meaning: "The ledger of a dataset holds releases from the future of this machine's clock.",
    nextStep: "Correct the clock; if the ledger was made with a wrong one, wait or move it away.",
  },
  "dp_window.ledger_damaged": {
    permanent: true,
    meaning: "The ledger of a dataset was damaged, changed or put together from copies.",
    nextStep:
      "Keep a copy to look at, then remove the dataset's folder after the end of the UTC day.",
  },
  "dp_window.ledger_lost": {
    permanent: true,
    meaning: "The ledger of a dataset is gone although something was counted under it.",
    nextStep: "Restore it, or remove the dataset's folder after the end of the UTC day.",
  },
  "dp_window.ledger_unwritable": {
    permanent: true,
    meaning: "A write to the ledger of a dataset failed in a way that leaves its outcome open.",
    nextStep: "Check the disk and restart the agent; it reads what was really written.",
  },
  "pii_detect.hash_key_unusable": {
    permanent: true,
    meaning: "The key file for hashing findings cannot be read or is too short.",
    nextStep: "Write at least 32 random bytes into it, for its owner alone (mode 0600).",
  },
  "minimize.hash_key_unusable": {
    permanent: true,
    meaning: "The key file for hashing unknown fields cannot be read or is too short.",
    nextStep: "Write at least 32 random bytes into it, for its owner alone (mode 0600).",
  },
  "consent.registry_unreadable": {
    permanent: false,
    meaning: "The consent registry is gone, cannot be read, or is not what it should be.",
    nextStep: "Put a right one in its place by a rename; records wait and then go on.",
  },
  "consent.hash_key_unusable": {
    permanent: true,
    meaning: "The key that hides subjects in records of consent cannot be read or is too short.",
    nextStep: "Write at least 32 random bytes into it, for its owner alone (mode 0600).",
  },
  "tokenize.no_key": {
    permanent: true,
    meaning: "The folder of token keys does not exist or holds no key.",
    nextStep: "Run `vouchsafe keys generate token -d DIRECTORY`, or correct keys.directory.",
  },
  "tokenize.key_in_use": {
    permanent: true,
    meaning: "The token key that makes new tokens was to be destroyed.",
    nextStep: "Run `vouchsafe keys rotate -d DIRECTORY` first; then it is a retired one.",
  },
  "vault.unavailable": {
    permanent: false,
    meaning: "The vault of tokens cannot be reached, read or written.",
    nextStep: "Mend the database, the disk or the file; records wait and go on by themselves.",
  },
  "vault.lost": {
    permanent: true,
    meaning: "This agent has written to a vault that is no longer there.",
    nextStep: "Restore it, or remove the named file to begin a new one: its tokens stay closed.",
  },
  "vault.foreign": {
    permanent: true,
    meaning: "A vault is another one than before, of another version, or has another index key.",
    nextStep: "Correct `path`, `url` or `index_key_file`; hosts with one vault share one key.",
  },
  "vault.erased": {
    permanent: false,
    meaning: "A person was erased from the vault while records were prepared for it.",
    nextStep: "Nothing: the records are treated again.",
  },
  "tokenize.key_malformed": {
    permanent: true,
    meaning: "A token key, or the folder of them, cannot be read or is not what its name says.",
    nextStep: "Let the agent's user read it, or restore it; without it no new tokens are made.",
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorCatalogue;
