import { Topology } from '../topology/topology.ts';
import type { FlowRecord } from '../topology/flow.ts';
import { Graph, type Serdes } from './graph.ts';
import { Stream, Table } from './streams-and-tables.ts';
import { addSourceTable } from './table-nodes.ts';

export interface SourceOptions<K, V> extends Serdes<K, V> {
  /** The time that counts, milliseconds since 1970. Default: that of the record. */
  readonly timestamp?: (record: FlowRecord<K, V>) => number;
}

export interface TableOptions<K, V> extends SourceOptions<K, V> {
  /** Names the store, and with it the changelog. */
  readonly store: string;
}

/** Builds a topology. Streams and tables belong to the builder that they came from. */
export class StreamsBuilder {
  private readonly graph = new Graph();

  /** The records of a topic, each for itself. @throws ClientError BAD_OPTION */
  stream<K, V>(topic: string, options: SourceOptions<K, V>): Stream<K, V> {
    const ref = { name: topic, isInternal: false, partitions: null };
    const node = this.graph.addSource(ref, options, false, options.timestamp ?? null);
    return new Stream(this.graph, node, { key: options.key, value: options.value, isRekeyed: false });
  }

  /** The last value of each key of a topic; a record without a value ends its key. @throws ClientError BAD_OPTION */
  table<K, V>(topic: string, options: TableOptions<K, V>): Table<K, V> {
    const ref = { name: topic, isInternal: false, partitions: null };
    const node = this.graph.addSource(ref, options, true, options.timestamp ?? null);
    const table = addSourceTable(this.graph, node, options, options.store);
    return new Table(this.graph, table, { key: options.key, value: options.value });
  }

  /** @throws ClientError BAD_TOPOLOGY */
  build(): Topology {
    return new Topology([...this.graph.nodes]);
  }
}
