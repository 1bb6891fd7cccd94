import type { ExporterFactory } from "../../src/component/factory.ts";
import type { SealedArchiveConfig } from "./config.ts";
import { configSchema } from "./config.ts";
import { SealedArchive } from "./sealed_archive.ts";

export const factory: ExporterFactory<SealedArchiveConfig> = {
  kind: "exporter",
  type: "sealed_archive",
  aliases: [],
  description: "Seals records into an encrypted archive that anyone can check and nobody can edit.",
  configSchema,
  create: (config, settings) => new SealedArchive(config, settings),
};
