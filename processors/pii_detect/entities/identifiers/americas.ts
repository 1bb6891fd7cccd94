/** Identifiers of people in North and South America. */
import { isLuhn, weightedSum } from "../../checksums.ts";
import type { Entity } from "../entity.ts";
import { digitsOf, identifier, stdnum } from "./identifier.ts";

/** Letters but S, L, O, I, B and Z; the places are those of the Centers for Medicare. */
const LETTER = "[AC-HJKMNP-RT-Y]";
const MBI = new RegExp(
  `[1-9]${LETTER}(?:${LETTER}|\\d)\\d-?${LETTER}(?:${LETTER}|\\d)\\d-?${LETTER}{2}\\d{2}`,
  "i",
);

export const americas: readonly Entity[] = [
  identifier("us_itin", "us", "US individual taxpayer identification number", {
    words: "itin|individual taxpayer|taxpayer identification|taxpayer id|tax id|tin",
    shape: /9\d{2}[ -]?(?:5\d|6[0-5]|7\d|8[0-8]|9[0-2]|9[4-9])[ -]?\d{4}/,
  }),
  identifier("us_ein", "us", "US employer identification number with a prefix in use", {
    words: "ein|employer identification|fein|federal tax id|tax id|employer id",
    shape: /\d{2}-?\d{7}/,
    isValid: stdnum("US", "ein"),
    score: 0.6,
  }),
  identifier("us_npi", "us", "US national provider identifier with its Luhn digit", {
    words: "npi|national provider|provider id|provider identifier",
    shape: /[12]\d{9}/,
    isValid: (value) => isLuhn(`80840${value}`),
  }),
  identifier("us_dea", "us", "US DEA registration number of a prescriber with its check digit", {
    words: "dea|dea number|dea no|prescriber",
    shape: /[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}/i,
    isValid: isDea,
  }),
  identifier("us_mbi", "us", "US Medicare beneficiary identifier, by the alphabet of each place", {
    words: "mbi|medicare|medicare number|medicare id|beneficiary",
    shape: MBI,
    score: 0.85,
  }),
  identifier("us_bank_routing", "us", "US bank routing number (ABA) with its check digit", {
    words: "aba|routing|routing number|routing no|rtn|transit number",
    shape: /(?:0\d|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)\d{7}/,
    isValid: (value) => weightedSum(value, [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 === 0,
  }),
  identifier("ca_sin", "ca", "Canadian social insurance number with its Luhn digit", {
    words: "sin|social insurance|numero d'assurance sociale|numéro d'assurance sociale|nas",
    shape: /\d{3}[ -]?\d{3}[ -]?\d{3}/,
    isValid: stdnum("CA", "sin"),
  }),
  identifier("ca_bc_health", "ca", "Personal health number of British Columbia", {
    words: "phn|personal health number|health number|health card|bc services card",
    shape: /9\d{3}[ -]?\d{3}[ -]?\d{3}/,
    isValid: stdnum("CA", "bc_bhn"),
  }),
  identifier("mx_curp", "mx", "Mexican CURP with its check digit", {
    words: "curp|clave unica|clave única|registro de poblacion|registro de población",
    shape: /[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z\d]\d/i,
    isValid: stdnum("MX", "curp"),
  }),
  identifier("mx_rfc", "mx", "Mexican tax number (RFC)", {
    words: "rfc|registro federal|contribuyente|contribuyentes",
    shape: /[A-Z&Ñ]{3,4}[ -]?\d{6}[ -]?[A-Z\d]{3}/i,
    isValid: stdnum("MX", "rfc"),
  }),
  identifier("mx_clabe", "mx", "Mexican bank account (CLABE) with its check digit", {
    words: "clabe|cuenta|cuenta bancaria|clave bancaria|account",
    shape: /\d{18}/,
    isValid: stdnum("MX", "clabe"),
  }),
  identifier("br_cpf", "br", "Brazilian personal tax number (CPF) with its check digits", {
    words: "cpf|cadastro de pessoas|contribuinte|documento|pessoa física|pessoa fisica",
    shape: /\d{3}\.?\d{3}\.?\d{3}-?\d{2}/,
    isValid: stdnum("BR", "cpf"),
  }),
  identifier("br_cnpj", "br", "Brazilian company number (CNPJ) with its check digits", {
    words: "cnpj|pessoa jurídica|pessoa juridica|empresa",
    shape: /[A-Z\d]{2}\.?[A-Z\d]{3}\.?[A-Z\d]{3}\/?[A-Z\d]{4}-?\d{2}/,
    isValid: stdnum("BR", "cnpj"),
  }),
  identifier("ar_cuit", "ar", "Argentine tax and labour number (CUIT, CUIL)", {
    words: "cuit|cuil|clave única|clave unica",
    shape: /(?:2[03457]|3[034])-?\d{8}-?\d/,
    isValid: stdnum("AR", "cuit"),
  }),
  identifier("ar_dni", "ar", "Argentine identity card number", {
    words: "dni|documento nacional|documento",
    shape: /\d{1,2}\.?\d{3}\.?\d{3}/,
  }),
  identifier("cl_rut", "cl", "Chilean tax and identity number (RUT, RUN)", {
    words: "rut|run|rol unico|rol único|cedula|cédula",
    shape: /\d{1,2}\.?\d{3}\.?\d{3}-?[\dK]/i,
    isValid: stdnum("CL", "rut"),
  }),
  identifier("co_nit", "co", "Colombian tax number (NIT) with its check digit", {
    words: "nit|numero de identificacion tributaria|identificación tributaria",
    shape: /\d{3}\.?\d{3}\.?\d{3}-?\d/,
    isValid: stdnum("CO", "nit"),
  }),
  identifier("uy_ci", "uy", "Uruguayan identity card number with its check digit", {
    words: "cedula|cédula|ci|cedula de identidad|cédula de identidad|documento",
    shape: /\d\.?\d{3}\.?\d{3}-?\d/,
    isValid: stdnum("UY", "cedula"),
  }),
];

/** The last digit of twice the even places and once the odd ones (21 CFR 1301, as practised). */
function isDea(value: string): boolean {
  const digits = digitsOf(value.slice(2));
  const sum = weightedSum(digits, [1, 2, 1, 2, 1, 2]);
  return sum % 10 === Number(digits[6]);
}
