// The one contract suite of the coordination port, against real servers: one alone, and an ensemble of three.
import { after, before, describe } from 'node:test';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import {
  coordinationContract,
  type CoordinationWorld,
} from '../../packages/core/test/coordination/coordination-contract.ts';
import { startZookeeper, type RunningZookeeper } from '../../scripts/zookeeper.ts';
import { connectTo, expireSession, newRoot } from './ensemble-world.ts';

for (const servers of [1, 3] as const) {
  describe(`with ${servers} real ZooKeeper server${servers === 1 ? '' : 's'}`, () => {
    let zookeeper: RunningZookeeper;
    before(async () => {
      zookeeper = await startZookeeper({ servers });
    });
    after(() => zookeeper.stop());

    coordinationContract(`ZooKeeper, ${servers}`, () => worldOf(zookeeper));
  });
}

async function worldOf(zookeeper: RunningZookeeper): Promise<CoordinationWorld> {
  const root = await newRoot(zookeeper);
  const sessions: Coordination[] = [];
  return {
    connect: async () => {
      const session = await connectTo(root);
      sessions.push(session);
      return session;
    },
    expire: expireSession,
    close: async () => {
      await Promise.all(sessions.map((session) => new Promise<void>((done) => session.close(done))));
    },
  };
}
