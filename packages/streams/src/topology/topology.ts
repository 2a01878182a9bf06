import { ClientError } from '@odradek/client';
import type { StoreSpec } from '../state/store-spec.ts';
import type { TopicRef } from './flow.ts';
import type { TopologyNode } from './topology-node.ts';

/**
 * What is connected by more than topics. Its topics have equally many partitions, and for each there is one task that
 * reads the partitions of that number and has stores of its own.
 */
export interface Subtopology {
  readonly index: number;
  /** Parents before children. */
  readonly nodes: readonly TopologyNode[];
  /** Those that are read. */
  readonly topics: readonly TopicRef[];
  readonly stores: readonly StoreSpec[];
}

/** What is done with which topics. The same program builds the same topology, with the same names. */
export class Topology {
  readonly subtopologies: readonly Subtopology[];

  /** @throws ClientError BAD_TOPOLOGY when it reads nothing, a name is used twice, or nobody writes what it repartitions */
  constructor(nodes: readonly TopologyNode[]) {
    this.subtopologies = connected(nodes).map(subtopologyOf);
    const topics = this.subtopologies.flatMap(({ topics: ofOne }) => ofOne);
    if (topics.length === 0) throw new ClientError('BAD_TOPOLOGY', 'the topology reads no topic');
    refuseTwice(topics, 'topic', 'is read twice: use the stream or table that there is');
    const stores = this.subtopologies.flatMap(({ stores: ofOne }) => ofOne);
    refuseTwice(stores, 'store', 'is there twice: its changelog needs a name of its own');
    const lost = nodes.find((node) => node.source === null && node.parents.length === 0);
    if (lost !== undefined) throw new ClientError('BAD_TOPOLOGY', `${lost.name} has no input`);
  }

  /** The topics that are written, internal ones included. */
  get sinks(): readonly TopicRef[] {
    const sinks = this.subtopologies.flatMap(({ nodes }) => nodes.flatMap(({ sink }) => sink?.topic ?? []));
    return [...new Map(sinks.map((topic) => [refKey(topic), topic])).values()];
  }

  /** For people: which steps follow which, from which topics, with which stores. */
  describe(): string {
    return this.subtopologies.map(describeSubtopology).join('\n');
  }
}

/** Tells topics of the user from internal ones of the same name. */
export function refKey({ name, isInternal }: TopicRef): string {
  return isInternal ? `${name} (internal)` : name;
}

function subtopologyOf(nodes: readonly TopologyNode[], index: number): Subtopology {
  return {
    index,
    nodes,
    topics: nodes.flatMap(({ source }) => source?.topic ?? []),
    stores: nodes.flatMap(({ stores }) => stores),
  };
}

/** Groups of nodes that are connected, in the order of their first nodes. */
function connected(nodes: readonly TopologyNode[]): TopologyNode[][] {
  const leaders = new Map<TopologyNode, TopologyNode>(nodes.map((node) => [node, node]));
  const leader = (node: TopologyNode): TopologyNode => {
    const next = leaders.get(node)!;
    return next === node ? node : leader(next);
  };
  for (const node of nodes) {
    for (const parent of node.parents) {
      const [a, b] = [leader(parent), leader(node)];
      leaders.set(a.index < b.index ? b : a, a.index < b.index ? a : b);
    }
  }
  return [...Map.groupBy(nodes, leader).values()];
}

function refuseTwice(named: readonly (TopicRef | StoreSpec)[], what: string, why: string): void {
  const seen = new Set<string>();
  for (const one of named) {
    const key = 'isInternal' in one ? refKey(one) : one.name;
    if (seen.has(key)) throw new ClientError('BAD_TOPOLOGY', `${what} "${key}" ${why}`);
    seen.add(key);
  }
}

function describeSubtopology({ index, nodes }: Subtopology): string {
  const lines = nodes.map((node) => {
    const children = nodes.filter(({ parents }) => parents.includes(node)).map(({ name }) => name);
    const details = [
      ...(node.source === null ? [] : [`reads ${refKey(node.source.topic)}`]),
      ...(node.sink === null ? [] : [`writes ${refKey(node.sink.topic)}`]),
      ...node.stores.map(({ name }) => `store ${name}`),
    ];
    const detail = details.length === 0 ? '' : ` (${details.join(', ')})`;
    return `  ${node.name}${detail}${children.length === 0 ? '' : ` -> ${children.join(', ')}`}`;
  });
  return [`subtopology ${index}`, ...lines, ''].join('\n');
}
