import { availableParallelism } from 'node:os';

export interface Pinning {
  /** Cores of the brokers and of the generator; undefined for no pinning. */
  readonly brokerCore: number | undefined;
  readonly generatorCore: number | undefined;
}

/** The broker on the first core and the generator on the second, where there are two. */
export function pinningOf(isWanted: boolean): Pinning {
  return isWanted && availableParallelism() > 1
    ? { brokerCore: 0, generatorCore: 1 }
    : { brokerCore: undefined, generatorCore: undefined };
}

export function wordsOf({ brokerCore, generatorCore }: Pinning): string {
  return brokerCore === undefined
    ? 'none: broker and generator may use all cores'
    : `the broker on core ${brokerCore}, the generator on core ${generatorCore}`;
}
