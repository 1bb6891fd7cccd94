/**
 * The graph at work, and how another one takes its place.
 *
 * Invariant: two graphs never run at once, so nothing is read or sealed twice: the old one delivers
 * what is under way or gives it back, then the new one starts where the files of state say. When the
 * new one cannot start, the old one is built and started again.
 */
import type { Graph } from "./graph.ts";

/** A graph that was not started yet. `end` lets go of what it left in the telemetry. */
export type MakeGraph = () => { readonly graph: Graph; readonly end: () => void };

export class RunningGraph {
  #running: ReturnType<MakeGraph>;
  #make: MakeGraph;

  private constructor(running: ReturnType<MakeGraph>, make: MakeGraph) {
    this.#running = running;
    this.#make = make;
  }

  static async start(make: MakeGraph): Promise<RunningGraph> {
    const running = make();
    await running.graph.start();
    return new RunningGraph(running, make);
  }

  /**
   * Gives what kept the new graph from starting; the old one runs again then.
   * @throws when not even that was possible, and nothing runs.
   */
  async replace(make: MakeGraph, deadline: AbortSignal): Promise<unknown> {
    await this.shutdown(deadline);
    let next: ReturnType<MakeGraph> | undefined;
    try {
      next = make();
      await next.graph.start();
    } catch (error) {
      next?.end();
      this.#running = this.#make();
      await this.#running.graph.start();
      return error;
    }
    this.#running = next;
    this.#make = make;
    return undefined;
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#running.graph.shutdown(deadline);
    this.#running.end();
  }
}
