/** The component factories that a configuration may name, and how a name finds its factory. */
import type { CreateDetector } from "../src/component/detector.ts";
import type {
  AnyExporterFactory,
  AnyFactory,
  AnyProcessorFactory,
  AnyReceiverFactory,
} from "../src/component/factory.ts";

export interface Factories {
  readonly receivers: readonly AnyReceiverFactory[];
  readonly processors: readonly AnyProcessorFactory[];
  readonly exporters: readonly AnyExporterFactory[];
}

/** By type or alias. */
export function findFactory<Factory extends AnyFactory>(
  factories: readonly Factory[],
  type: string,
): Factory | undefined {
  return factories.find((factory) => factory.type === type || factory.aliases.includes(type));
}

export function namesOf(factories: readonly AnyFactory[]): string[] {
  return factories.flatMap(({ type, aliases }) => [type, ...aliases]);
}

/** The detector that one of the processors lends to the other components. */
export function detectorOf({ processors }: Factories): CreateDetector | undefined {
  return processors.find(({ createDetector }) => createDetector !== undefined)?.createDetector;
}
