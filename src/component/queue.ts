/** What an exporter's configuration asks of the durable queue that the engine puts before it. */
export interface QueueOptions {
  /** How much may wait, counted as `sizer` says. */
  readonly capacity: number;
  readonly sizer: "requests" | "items" | "bytes";
  /** Bytes of waiting frames on disk, whatever `sizer` counts. */
  readonly bytesMax: number;
  /** Batches that are given to the exporter at a time. */
  readonly consumers: number;
  /** False: a batch that finds no room is refused for good, and counted. */
  readonly blockOnOverflow: boolean;
  /** Id of the `file_storage` extension that holds the files. */
  readonly storage: string;
  /** File of the key; undefined: `queue.key` beside the files, made when there is none. */
  readonly keyFile: string | undefined;
  /** Bytes of refused batches that are kept; 0 keeps none. */
  readonly deadLetterBytesMax: number;
}
