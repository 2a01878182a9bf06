import type { Serde } from '@odradek/client';
import type { FlowRecord } from '../topology/flow.ts';
import type { WindowEntry, WindowStore } from '../state/window-store.ts';
import type { NodeContext, TopologyNode } from '../topology/topology-node.ts';
import type { Graph } from './graph.ts';
import { checkedJoinWindow, type JoinWindow } from './windows.ts';

export interface StreamJoinOptions<K, V, W> extends JoinWindow {
  /** Names the two stores, `NAME-left` and `NAME-right`, and with them their changelogs. */
  readonly store: string;
  /** Where the streams do not say it themselves. */
  readonly key?: Serde<K>;
  readonly left?: Serde<V>;
  readonly right?: Serde<W>;
}

interface StreamJoin<K, V, W, R> {
  readonly kind: string;
  readonly parents: readonly TopologyNode[];
  readonly key: Serde<K>;
  readonly left: Serde<V>;
  readonly right: Serde<W>;
  readonly options: StreamJoinOptions<K, V, W>;
  /** Whether records of the left that found none are told of. */
  readonly isLeft: boolean;
  readonly joiner: (left: V, right: W | null, key: K) => R;
}

/** A record that waits for the other side. */
interface Waiting<V> {
  readonly value: V;
  readonly wasJoined: boolean;
}

const FORGOTTEN_AT_ONCE = 500;

/**
 * Records of both sides are kept until nothing can come any more that they would be joined with: what is taken has a time
 * of `graceMs` before stream time or later, so that is when their own time and `withinMs` lie before that.
 */
export function addStreamJoin<K, V, W, R>(graph: Graph, parts: StreamJoin<K, V, W, R>): TopologyNode {
  checkedJoinWindow(parts.options);
  const { store } = parts.options;
  return graph.add(parts.kind, {
    parents: parts.parents,
    stores: [
      { name: `${store}-left`, kind: 'window' },
      { name: `${store}-right`, kind: 'window' },
    ],
    start: (context) => startStreamJoin(context, parts),
  });
}

function startStreamJoin<K, V, W, R>(
  context: NodeContext,
  { key: keySerde, left, right, options, isLeft, joiner }: StreamJoin<K, V, W, R>,
): readonly [(record: FlowRecord<K, V>) => void, (record: FlowRecord<K, W>) => void] {
  const { withinMs, graceMs, store } = options;
  const lefts = context.windowStore(`${store}-left`, keySerde, waiting(left));
  const rights = context.windowStore(`${store}-right`, keySerde, waiting(right));
  const isLate = (timestamp: number): boolean => timestamp + graceMs < context.streamTimeMs;
  const matches = <X>(record: FlowRecord<K, unknown>, in_: WindowStore<K, X>): readonly WindowEntry<K, X>[] =>
    in_.fetch(record.key, Math.max(record.timestamp - withinMs, 0), record.timestamp + withinMs);
  const tell = (record: FlowRecord<K, unknown>, otherMs: number, value: R): void =>
    context.forward({ ...record, value, timestamp: Math.max(record.timestamp, otherMs) });

  context.onStreamTime((streamTimeMs) => {
    const upTo = streamTimeMs - withinMs - graceMs - 1;
    if (upTo < 0) return true;
    const overLeft = lefts.oldest(upTo, FORGOTTEN_AT_ONCE);
    for (const entry of overLeft) {
      lefts.delete(entry);
      if (!isLeft || entry.value.wasJoined) continue;
      const value = joiner(entry.value.value, null, entry.key);
      context.forward({ key: entry.key, value, timestamp: entry.timeMs, headers: [] });
    }
    const overRight = rights.oldest(upTo, FORGOTTEN_AT_ONCE);
    for (const entry of overRight) rights.delete(entry);
    return overLeft.length < FORGOTTEN_AT_ONCE && overRight.length < FORGOTTEN_AT_ONCE;
  });

  return [
    (record) => {
      if (isLate(record.timestamp)) return context.noteLate();
      const found = matches(record, rights);
      lefts.append(record.key, record.timestamp, { value: record.value, wasJoined: found.length > 0 });
      for (const entry of found) {
        tell(record, entry.timeMs, joiner(record.value, entry.value.value, record.key));
      }
    },
    (record) => {
      if (isLate(record.timestamp)) return context.noteLate();
      rights.append(record.key, record.timestamp, { value: record.value, wasJoined: false });
      for (const entry of matches(record, lefts)) {
        const { value, wasJoined } = entry.value;
        if (isLeft && !wasJoined) {
          lefts.set(entry.key, entry.timeMs, { value, wasJoined: true }, entry.sequence);
        }
        tell(record, entry.timeMs, joiner(value, record.value, record.key));
      }
    },
  ];
}

/** One byte before the value. */
function waiting<V>(serde: Serde<V>): Serde<Waiting<V>> {
  const NULL_VALUE = 2;
  return {
    serialize: ({ value, wasJoined }) => {
      const bytes = serde.serialize(value);
      const flags = (wasJoined ? 1 : 0) | (bytes === null ? NULL_VALUE : 0);
      return Buffer.concat([Buffer.from([flags]), bytes ?? Buffer.alloc(0)]);
    },
    deserialize: (bytes) => {
      if (bytes === null || bytes.length === 0) throw new RangeError('an empty entry in the store of a join');
      const flags = bytes[0]!;
      const value = serde.deserialize((flags & NULL_VALUE) === 0 ? bytes.subarray(1) : null);
      return { value, wasJoined: (flags & 1) !== 0 };
    },
  };
}
