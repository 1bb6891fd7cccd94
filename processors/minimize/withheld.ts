/** Why a record cannot be minimized and is withheld; the reason is the label of its metric. */
export class Withheld extends Error {
  readonly reason: "too_deep" | "finding_misplaced";

  constructor(reason: Withheld["reason"]) {
    super(reason);
    this.reason = reason;
  }
}
