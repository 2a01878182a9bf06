import type { Serde } from '@odradek/client';
import type { KeyValueStore } from '../state/key-value-store.ts';
import type { FlowRecord } from '../topology/flow.ts';
import type { PunctuationClock, TopologyNode } from '../topology/topology-node.ts';
import type { Graph } from './graph.ts';
import { atLeast } from './windows.ts';

/** A store for processors of one's own: its name, and how its keys and values are written. */
export interface StoreDefinition<K, V> {
  readonly name: string;
  readonly key: Serde<K>;
  readonly value: Serde<V>;
}

/** What a processor finds in its task. */
export interface ProcessorContext<K, V> {
  forward(record: FlowRecord<K, V>): void;
  /** The highest timestamp that the task has seen; -1 before the first. */
  readonly streamTimeMs: number;
  /** One of those that were named with the processor. */
  store<SK, SV>(definition: StoreDefinition<SK, SV>): KeyValueStore<SK, SV>;
  /**
   * Has a function called again and again: by stream time once for all that has passed, or by the machine's time, which
   * is not the same in a second run.
   *
   * @param everyMs 1 or more
   */
  schedule(everyMs: number, by: PunctuationClock, punctuate: (nowMs: number) => void): void;
}

/** Called once for each task. @returns what takes the records */
export type ProcessorFactory<K, V, L, W> = (
  context: ProcessorContext<L, W>,
) => (record: FlowRecord<K, V>) => void;

export function addProcessor<K, V, L, W>(
  graph: Graph,
  parent: TopologyNode,
  factory: ProcessorFactory<K, V, L, W>,
  stores: readonly StoreDefinition<unknown, unknown>[],
): TopologyNode {
  return graph.add('process', {
    parents: [parent],
    stores: stores.map(({ name }) => ({ name, kind: 'key-value' })),
    start: (context) => [
      factory({
        forward: context.forward,
        get streamTimeMs() {
          return context.streamTimeMs;
        },
        store: ({ name, key, value }) => context.keyValueStore(name, key, value),
        schedule: (everyMs, by, punctuate) => context.schedule(atLeast('everyMs', everyMs, 1), by, punctuate),
      }),
    ],
  });
}
