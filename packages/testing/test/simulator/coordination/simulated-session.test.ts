import { coordinationContract } from '../../../../core/test/coordination/coordination-contract.ts';
import { clientProcess } from '../../../src/simulator/clients/client-process.ts';
import { World } from '../../../src/simulator/cluster/world.ts';
import { SimulatedSession } from '../../../src/simulator/coordination/simulated-session.ts';

const SESSION_TIMEOUT_MS = 6_000;

coordinationContract('simulated', async () => {
  const world = new World(1);
  let isOver = false;
  // Time passes by itself, as fast as it can.
  const passing = world.time.runUntil(Infinity, () => isOver);
  let sessions = 0;
  return {
    connect: async () => {
      sessions += 1;
      const process = clientProcess(world, `client-${sessions}`, sessions);
      return new SimulatedSession(world.ensemble, world.network, process, SESSION_TIMEOUT_MS);
    },
    expire: async (session) => world.ensemble.endSession(session.sessionId),
    close: async () => {
      isOver = true;
      await passing;
    },
  };
});
