/** The Collector's extensions `bearertokenauth` and `basicauth`, as a server uses them. */
import { z } from "zod";

/** RFC 9110 section 5.6.2, `token`. */
const httpToken = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is no name of a header");

export const bearerTokenSchema = z
  .strictObject({
    header: httpToken.default("Authorization").describe("Header in which clients show the token."),
    scheme: z
      .string()
      .default("Bearer")
      .describe("Word before the token in that header; empty: the header is the token alone."),
    token: z.string().min(1).optional().describe("The token; better from the environment."),
    tokens: z.array(z.string().min(1)).min(1).optional().describe("Several, to change them."),
    filename: z
      .string()
      .min(1)
      .optional()
      .describe("File with a token on each line instead; a changed one is read again."),
  })
  .refine(
    ({ token, tokens, filename }) =>
      [token, tokens, filename].filter((source) => source !== undefined).length === 1,
    "expected exactly one of token, tokens and filename",
  );

export const basicAuthSchema = z.strictObject({
  htpasswd: z
    .strictObject({
      file: z
        .string()
        .min(1)
        .optional()
        .describe("File in the format of htpasswd; a changed one is read again."),
      inline: z.string().optional().describe("The same as text; of a user in both it counts."),
    })
    .refine(
      ({ file, inline }) => file !== undefined || inline !== undefined,
      "expected file, inline or both",
    )
    .describe("Users and their passwords: `user:hash`, one a line."),
});

export type BearerTokenConfig = z.infer<typeof bearerTokenSchema>;
export type BasicAuthConfig = z.infer<typeof basicAuthSchema>;
export type AuthenticatorConfig =
  | { readonly type: "bearertokenauth"; readonly config: BearerTokenConfig }
  | { readonly type: "basicauth"; readonly config: BasicAuthConfig };
