/** What a user writes for `tokenize.vault`. */
import { z } from "zod";
import { ageRecipient, longDurationMs } from "../../../config/values.ts";
import { Secret } from "../../../src/lib/secret.ts";

const ROLE = /^[a-z][a-z0-9_-]{0,31}$/;
const ENTITY = /^[a-z][a-z0-9_]{0,47}$/;
const HOUR_MS = 3_600_000;

const roleSchema = z.strictObject({
  recipients: z
    .array(ageRecipient)
    .min(1)
    .max(16)
    .describe("age public keys (age1...), or roles of `service.roles`, to which rows are sealed"),
  entities: z
    .array(z.string().regex(ENTITY, "is no name of an entity, such as payment_card"))
    .min(1)
    .optional()
    .describe("what the role may reveal; without it, everything"),
});

export const vaultSchema = z
  .strictObject({
    driver: z
      .enum(["sqlite", "postgres"])
      .default("sqlite")
      .describe("`sqlite`: a file of this host. `postgres`: one database for several hosts."),
    path: z
      .string()
      .min(1)
      .optional()
      .describe("sqlite: the file; by default `tokenize/vault.sqlite` in the state directory"),
    url: z
      .string()
      .regex(/^postgres(ql)?:\/\//, "is no address such as postgres://user:password@host/database")
      .transform((text) => new Secret(text))
      .optional()
      .describe(
        "postgres: address of the database, a secret: give it by a variable of the environment",
      ),
    index_key_file: z
      .string()
      .min(1)
      .optional()
      .describe(
        "key by which persons are found in the vault, the same on all hosts of one vault; by " +
          "default `tokenize/vault-index.key` in the state directory, made when there is none",
      ),
    roles: z
      .record(z.string().regex(ROLE, "is a letter and up to 31 of a-z, 0-9, _ and -"), roleSchema)
      .default({})
      .describe("Who may reveal what, by the name of the role."),
    subject: z
      .strictObject({
        attribute: z.string().min(1).describe("attribute that names the person, such as `user.id`"),
      })
      .optional()
      .describe("The person to whom a record's rows and field keys belong, for `erase`."),
    ttl: longDurationMs
      .refine((ms) => ms >= HOUR_MS, "must be at least 1h")
      .prefault("365d")
      .describe("how long a row lives after its value was last seen (to a sixteenth of it)"),
    on_unavailable: z
      .enum(["wait", "withhold"])
      .default("wait")
      .describe("records that need a vault which cannot be had: they wait, or are withheld"),
    queue_size: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10_000)
      .describe(
        "rows that may wait for the vault; with more, batches wait before they are treated",
      ),
    cache_size: z
      .int()
      .min(2)
      .max(10_000_000)
      .default(65_536)
      .describe("values and field keys that are known to be in the vault"),
    timeout: longDurationMs
      .refine((ms) => ms >= 100, "must be at least 100ms")
      .prefault("30s")
      .describe("postgres: time for an answer, then the connection is made anew"),
  })
  .superRefine(({ driver, path, url }, context) => {
    const issue = (key: string, message: string): void =>
      context.addIssue({ code: "custom", path: [key], message });
    if (driver === "postgres" && url === undefined) issue("url", "is missing: driver is postgres");
    if (driver === "postgres" && path !== undefined) issue("path", "is for the driver sqlite");
    if (driver === "sqlite" && url !== undefined) issue("url", "is for the driver postgres");
  });

export type VaultConfig = z.infer<typeof vaultSchema>;

/** The recipients to whom rows of an entity are sealed; none: nobody may reveal it. */
export function readersOf({ roles }: VaultConfig, entity: string): readonly string[] {
  const readers = Object.values(roles)
    .filter(({ entities }) => entities === undefined || entities.includes(entity))
    .flatMap(({ recipients }) => recipients);
  return [...new Set(readers)].sort();
}
