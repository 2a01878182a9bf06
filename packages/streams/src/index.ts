export { StreamsBuilder, type SourceOptions, type TableOptions } from './dsl/streams-builder.ts';
export {
  GroupedStream,
  Stream,
  Table,
  WindowedStream,
  type AggregateOptions,
  type RepartitionOptions,
  type StoreOptions,
  type WindowOptions,
} from './dsl/streams-and-tables.ts';
export type { Serdes } from './dsl/graph.ts';
export type { ProcessorContext, ProcessorFactory, StoreDefinition } from './dsl/processor.ts';
export type { StreamJoinOptions } from './dsl/stream-join.ts';
export type { Emit } from './dsl/windowed-aggregate.ts';
export { hopping, tumbling, type JoinWindow, type TimeWindows } from './dsl/windows.ts';
export { TopologyDriver, type DrivenRecord } from './driver/topology-driver.ts';
export type { KeyValueStore } from './state/key-value-store.ts';
export type { FlowRecord } from './topology/flow.ts';
export type { PunctuationClock } from './topology/topology-node.ts';
export type { Topology } from './topology/topology.ts';
export { bytes, doubles, integers, json, nullable, strings, type Serde } from '@odradek/client';
export { windowed, type Windowed } from './windowed.ts';
export { Streams, type StreamsMetrics } from './app/streams.ts';
export type { Guarantee, InvalidRecord, StreamsEvent, StreamsOptions } from './app/streams-options.ts';
