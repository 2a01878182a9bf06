import { decodeControllerNode } from '@odradek/core/controller/controller-node.ts';
import { decodePartitionState } from '@odradek/core/controller/partition-state-node.ts';
import { treePaths } from '@odradek/core/controller/tree-paths.ts';
import type { SimulatedBroker } from '../cluster/simulated-broker.ts';
import type { SimulatedEnsemble } from '../coordination/simulated-ensemble.ts';

/**
 * The partitions of which a broker that comes back after a loss of power may lead what it has left, though it has
 * lost some: Apache Kafka in ZooKeeper mode allows that, and so do we, since nothing in the tree tells a clean stop
 * from another (KIP-966 does). These are
 * - those whose in-sync set has nobody else: "last replica standing", F33;
 * - those in whose in-sync set it still is, where no controller was there to take it out: F35.
 */
export function partitionsExcused(
  ensemble: SimulatedEnsemble,
  brokers: readonly SimulatedBroker[],
  returning: SimulatedBroker,
): string[] {
  const hasController = isControllerActive(ensemble, brokers);
  return [...statesIn(ensemble)]
    .filter(({ isr }) => isr.includes(returning.nodeId) && (isr.length === 1 || !hasController))
    .map(({ name }) => name);
}

function isControllerActive(ensemble: SimulatedEnsemble, brokers: readonly SimulatedBroker[]): boolean {
  if (ensemble.stat(treePaths.controller) === null) return false;
  const id = decodeControllerNode(ensemble.read(treePaths.controller).data);
  return brokers.some(({ nodeId, isUp, isPaused }) => nodeId === id && isUp && !isPaused);
}

function* statesIn(ensemble: SimulatedEnsemble): Generator<{ name: string; isr: readonly number[] }> {
  for (const topic of childrenOf(ensemble, treePaths.topics)) {
    for (const index of childrenOf(ensemble, treePaths.partitions(topic)).map(Number)) {
      const path = treePaths.partitionState(topic, index);
      if (ensemble.stat(path) === null) continue;
      const { isr } = decodePartitionState(topic, index, ensemble.read(path).data);
      yield { name: `${topic}-${index}`, isr };
    }
  }
}

function childrenOf(ensemble: SimulatedEnsemble, path: string): string[] {
  return ensemble.stat(path) === null ? [] : ensemble.children(path);
}
