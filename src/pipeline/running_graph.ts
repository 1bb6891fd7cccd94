/**
 * The graph at work, and how another one takes its place.
 *
 * Invariant: two graphs never run at once, so nothing is read or sealed twice: the old one delivers
 * what is under way or gives it back, then the new one starts where the files of state say. When the
 * new one cannot start, the old one is built and started again.
 */
import type { Graph } from "./graph.ts";

export type MakeGraph = () => Graph;

export class RunningGraph {
  #graph: Graph;
  #make: MakeGraph;

  private constructor(graph: Graph, make: MakeGraph) {
    this.#graph = graph;
    this.#make = make;
  }

  static async start(make: MakeGraph): Promise<RunningGraph> {
    const graph = make();
    await graph.start();
    return new RunningGraph(graph, make);
  }

  /**
   * Gives what kept the new graph from starting; the old one runs again then.
   * @throws when not even that was possible, and nothing runs.
   */
  async replace(make: MakeGraph, deadline: AbortSignal): Promise<unknown> {
    await this.#graph.shutdown(deadline);
    let next: Graph;
    try {
      next = make();
      await next.start();
    } catch (error) {
      this.#graph = this.#make();
      await this.#graph.start();
      return error;
    }
    this.#graph = next;
    this.#make = make;
    return undefined;
  }

  shutdown(deadline: AbortSignal): Promise<void> {
    return this.#graph.shutdown(deadline);
  }
}
