/**
 * Every kind that the detector knows. A new one is a row here, its verifier, and two files of
 * samples: `testdata/<name>/found.txt` and `testdata/<name>/not_found.txt`.
 *
 * Of two findings that cover the same characters the one of the earlier row wins.
 */

import { nameEntities } from "../names/name_entities.ts";
import { apiKeys } from "./api_keys.ts";
import { cryptoAddress } from "./crypto_address.ts";
import { date } from "./date.ts";
import { email } from "./email.ts";
import type { Entity } from "./entity.ts";
import { iban } from "./iban.ts";
import { americas } from "./identifiers/americas.ts";
import { asiaAfricaPacific } from "./identifiers/asia_africa_pacific.ts";
import { easternEurope } from "./identifiers/eastern_europe.ts";
import { everywhere } from "./identifiers/everywhere.ts";
import { westernEurope } from "./identifiers/western_europe.ts";
import { ipv4 } from "./ipv4.ts";
import { ipv6 } from "./ipv6.ts";
import { jwt } from "./jwt.ts";
import { authorization, cookie, secret } from "./keyed_secrets.ts";
import { macAddress } from "./mac_address.ts";
import { paymentCard } from "./payment_card.ts";
import { phoneE164 } from "./phone_e164.ts";
import { privateKey } from "./private_key.ts";
import { travelDocument } from "./travel_document.ts";
import { url } from "./url.ts";
import { urlUserinfo } from "./url_userinfo.ts";
import { usSsn } from "./us_ssn.ts";

export const entityTable: readonly Entity[] = [
  privateKey,
  jwt,
  ...apiKeys,
  authorization,
  cookie,
  urlUserinfo,
  secret,
  email,
  paymentCard,
  iban,
  usSsn,
  phoneE164,
  ipv6,
  ipv4,
  macAddress,
  cryptoAddress,
  travelDocument,
  ...americas,
  ...westernEurope,
  ...easternEurope,
  ...asiaAfricaPacific,
  ...everywhere,
  ...nameEntities,
  date,
  url,
];
