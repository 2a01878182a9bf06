import { ClientError, type Serde } from '@odradek/client';
import type { StoreSpec } from '../state/store-spec.ts';
import type { FlowRecord, TopicRef } from '../topology/flow.ts';
import type { NodeContext, SinkSpec, SourceSpec, TopologyNode } from '../topology/topology-node.ts';
import { bytesOf } from '../serialized.ts';

interface NewNode {
  readonly parents?: readonly TopologyNode[];
  readonly stores?: readonly StoreSpec[];
  readonly source?: SourceSpec;
  readonly sink?: SinkSpec;
  readonly start: TopologyNode['start'];
}

/** What a name becomes a part of: topics. */
const NAME = /^[a-zA-Z0-9._-]{1,100}$/;

/** The nodes of a topology that is being built, in order. */
export class Graph {
  readonly nodes: TopologyNode[] = [];

  add(kind: string, { parents = [], stores = [], source, sink, start }: NewNode): TopologyNode {
    const index = this.nodes.length;
    for (const { name } of stores) checkedName('store', name);
    const node: TopologyNode = {
      index,
      name: `${kind}-${index}`,
      parents,
      stores,
      source: source ?? null,
      sink: sink ?? null,
      start,
    };
    this.nodes.push(node);
    return node;
  }

  addSource<K, V>(
    topic: TopicRef,
    serdes: Serdes<K, V>,
    isTable: boolean,
    timestamp: ((record: FlowRecord<K, V>) => number) | null = null,
  ): TopologyNode {
    checkedName('topic', topic.name);
    const source = {
      topic,
      key: serdes.key as Serde<unknown>,
      value: serdes.value as Serde<unknown>,
      isTable,
      timestamp: timestamp as SourceSpec['timestamp'],
    };
    return this.add('source', { source, start: ({ forward }) => [forward] });
  }

  addSink<K, V>(parent: TopologyNode, topic: TopicRef, serdes: Serdes<K, V>, isGrouping: boolean): void {
    checkedName('topic', topic.name);
    this.add('sink', {
      parents: [parent],
      sink: { topic },
      start: (context: NodeContext) => [
        (record: FlowRecord<K, V | null>) => {
          const key = isGrouping ? bytesOf(serdes.key, record.key, 'key') : serdes.key.serialize(record.key);
          const value = record.value === null ? null : serdes.value.serialize(record.value);
          context.send(topic, key, value, record);
        },
      ],
    });
  }
}

export interface Serdes<K, V> {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
}

/** @throws ClientError BAD_OPTION */
export function checkedName(what: string, name: string): string {
  if (NAME.test(name)) return name;
  throw new ClientError(
    'BAD_OPTION',
    `${what} is "${name}", allowed are 1 to 100 of letters, digits, ".", "_" and "-"`,
  );
}
