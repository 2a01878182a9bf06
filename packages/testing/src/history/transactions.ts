import type { Anomaly, AnomalyName } from './anomaly.ts';
import type { HistoryEvent, PollEvent } from './history.ts';
import type { Evidence } from './known-log.ts';

/** Reads of what was refused or aborted, and of what was not committed yet. */
export function* readsOfUncommitted(evidence: Evidence, history: Iterable<HistoryEvent>): Generator<Anomaly> {
  for (const event of history) {
    if (event.type !== 'poll') continue;
    for (const { partition, offset, value } of event.records) {
      const problem = problemOfReading(evidence, event, value);
      if (problem === null) continue;
      const [name, because] = problem;
      yield {
        name,
        partition,
        description: `${event.process} read ${value} at ${offset} of ${partition}, ${because}`,
      };
    }
  }
}

function problemOfReading(
  evidence: Evidence,
  poll: PollEvent,
  value: string,
): readonly [AnomalyName, string] | null {
  const send = evidence.sends.get(value);
  if (send?.outcome === 'fail') return ['G1a', `which ${send.process} was told is refused`];
  const transaction = evidence.writerOf(value);
  if (transaction === null || poll.isolation !== 'read_committed') return null;
  if (transaction.outcome === 'aborted')
    return ['G1a', `of transaction ${transaction.id}, which was aborted`];
  if (poll.endMs < transaction.endAskedMs)
    return ['precommitted-read', `of transaction ${transaction.id}, before it was told to commit`];
  return null;
}

type Edges = Map<string, Set<string>>;

/**
 * Circles of transactions: `G0` where each wrote before the next in some partition, `G1c` where some read what
 * the one before wrote. Kafka's transactions do not rule out G0: they interleave their writes freely.
 */
export function* circles(evidence: Evidence, history: Iterable<HistoryEvent>): Generator<Anomaly> {
  if (evidence.transactions.size === 0) return;
  const edges: Edges = new Map();
  addWriteOrder(evidence, edges);
  const overWrites = circleIn(edges);
  if (overWrites !== null) yield circle('G0', overWrites);
  addReads(evidence, history, edges);
  const overReads = circleIn(edges);
  if (overWrites === null && overReads !== null) yield circle('G1c', overReads);
}

function circle(name: AnomalyName, ids: readonly string[]): Anomaly {
  return { name, partition: null, description: `transactions in a circle: ${ids.join(' before ')}` };
}

function addWriteOrder(evidence: Evidence, edges: Edges): void {
  for (const { valuesAt } of evidence.logs.values()) {
    let before: string | null = null;
    for (const offset of [...valuesAt.keys()].sort((a, b) => a - b)) {
      const writer = evidence.writerOf(valuesAt.get(offset)![0]!);
      if (writer?.outcome !== 'committed') continue;
      if (before !== null) addEdge(edges, before, writer.id);
      before = writer.id;
    }
  }
}

function addReads(evidence: Evidence, history: Iterable<HistoryEvent>, edges: Edges): void {
  for (const event of history) {
    if (event.type !== 'poll' || event.transaction === undefined) continue;
    for (const { value } of event.records) {
      const writer = evidence.writerOf(value);
      if (writer !== null) addEdge(edges, writer.id, event.transaction);
    }
  }
}

function addEdge(edges: Edges, from: string, to: string): void {
  if (from === to) return;
  const known = edges.get(from);
  if (known === undefined) edges.set(from, new Set([to]));
  else known.add(to);
}

/** Some circle, its first node again at its end, or null. Keeps its own stack: histories are long. */
function circleIn(edges: Edges): string[] | null {
  const done = new Set<string>();
  for (const start of edges.keys()) {
    const path: string[] = [];
    const onPath = new Set<string>();
    const iterators: Iterator<string>[] = [];
    const enter = (node: string): void => {
      path.push(node);
      onPath.add(node);
      iterators.push((edges.get(node) ?? new Set<string>()).values());
    };
    if (!done.has(start)) enter(start);
    while (iterators.length > 0) {
      const next = iterators.at(-1)!.next();
      if (next.done === true) {
        const left = path.pop()!;
        onPath.delete(left);
        done.add(left);
        iterators.pop();
      } else if (onPath.has(next.value)) {
        return [...path.slice(path.indexOf(next.value)), next.value];
      } else if (!done.has(next.value)) enter(next.value);
    }
  }
  return null;
}
