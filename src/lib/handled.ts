/** For a promise that is awaited later: until then its rejection is not an unhandled one. */
export function handled<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => {});
  return promise;
}
