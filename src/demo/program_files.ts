/** Where the demo's programs are: TypeScript in a clone, built JavaScript in a package. */
import { extname, resolve } from "node:path";

const EXTENSION = extname(import.meta.filename);
const PACKAGE_ROOT = resolve(import.meta.dirname, EXTENSION === ".ts" ? "../.." : "../../..");

export const MAIN = resolve(import.meta.dirname, `../main${EXTENSION}`);
export const SHOP = resolve(import.meta.dirname, `shop${EXTENSION}`);
export const DEFAULT_CONFIG = resolve(PACKAGE_ROOT, "config/default.yaml");
