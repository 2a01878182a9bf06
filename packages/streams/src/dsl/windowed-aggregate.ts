import type { Serde } from '@odradek/client';
import type { Windowed } from '../windowed.ts';
import type { Change, FlowRecord } from '../topology/flow.ts';
import type { NodeContext, TopologyNode } from '../topology/topology-node.ts';
import type { Graph } from './graph.ts';
import { windowStarts, type TimeWindows } from './windows.ts';

export type Emit = 'updates' | 'final';

interface WindowedAggregate<K, V, A> {
  readonly key: Serde<K>;
  readonly value: Serde<A>;
  readonly windows: TimeWindows;
  readonly emit: Emit;
  readonly store: string;
  readonly fold: (aggregate: A | null, value: V, key: K) => A;
}

/** Windows that are closed at a time, so that what is due at once stays small. */
const CLOSED_AT_ONCE = 500;

/**
 * A value for each key and window. A window is closed when stream time has reached its end and grace: then it takes
 * nothing any more, is told of (`final`), and leaves the store.
 */
export function addWindowedAggregate<K, V, A>(
  graph: Graph,
  parent: TopologyNode,
  parts: WindowedAggregate<K, V, A>,
): TopologyNode {
  return graph.add('windowed-aggregate', {
    parents: [parent],
    stores: [{ name: parts.store, kind: 'window' }],
    start: (context) => startWindowedAggregate(context, parts),
  });
}

function startWindowedAggregate<K, V, A>(
  context: NodeContext,
  { key: keySerde, value: valueSerde, windows, emit, store, fold }: WindowedAggregate<K, V, A>,
): readonly ((record: FlowRecord<K, V>) => void)[] {
  const { sizeMs, advanceMs, graceMs } = windows;
  const kept = context.windowStore(store, keySerde, valueSerde);
  context.offerTable((at: Windowed<K>) => kept.get(at.key, at.startMs));

  const lastClosedStart = (streamTimeMs: number): number => {
    const closedMs = streamTimeMs - sizeMs - graceMs;
    return closedMs < 0 ? -1 : closedMs - (closedMs % advanceMs);
  };
  const tell = (key: K, startMs: number, timestamp: number, value: Change<A>, headers = NONE): void =>
    context.forward({ key: { key, startMs, endMs: startMs + sizeMs }, value, timestamp, headers });

  let closedUpTo = -1;
  context.onStreamTime((streamTimeMs) => {
    const upTo = lastClosedStart(streamTimeMs);
    if (upTo <= closedUpTo) return true;
    const closed = kept.oldest(upTo, CLOSED_AT_ONCE);
    for (const entry of closed) {
      kept.delete(entry);
      if (emit !== 'final') continue;
      tell(entry.key, entry.timeMs, entry.timeMs + sizeMs - 1, { before: null, after: entry.value });
    }
    if (closed.length === CLOSED_AT_ONCE) return false;
    closedUpTo = upTo;
    return true;
  });

  return [
    (record) => {
      const closed = lastClosedStart(context.streamTimeMs);
      const starts = windowStarts(windows, record.timestamp);
      const open = starts.filter((startMs) => startMs > closed);
      if (open.length < starts.length) context.noteLate();
      for (const startMs of open) {
        const before = kept.get(record.key, startMs);
        const after = fold(before, record.value, record.key);
        kept.set(record.key, startMs, after);
        if (emit === 'updates') {
          tell(record.key, startMs, record.timestamp, { before, after }, record.headers);
        }
      }
    },
  ];
}

const NONE: FlowRecord<unknown, unknown>['headers'] = [];
