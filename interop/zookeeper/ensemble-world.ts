import { once } from 'node:events';
import { connect } from 'node:net';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import { silentLog } from '@odradek/broker/adapters/silent-log.ts';
import {
  connectZookeeper,
  type ZookeeperSettings,
} from '@odradek/broker/adapters/zookeeper/connect-zookeeper.ts';
import { connectFrame, requestFrame } from '@odradek/broker/adapters/zookeeper/messages.ts';
import { OpCode } from '@odradek/broker/adapters/zookeeper/wire-constants.ts';
import type { ZookeeperCoordination } from '@odradek/broker/adapters/zookeeper/zookeeper-coordination.ts';
import type { RunningZookeeper } from '../../scripts/zookeeper.ts';
import { PromisedSession } from '../../packages/core/test/coordination/promised-session.ts';

const usual: Omit<ZookeeperSettings, 'connect'> = {
  sessionTimeoutMs: 6_000,
  connectionTimeoutMs: 20_000,
  maxInFlightRequests: 10,
  setAcl: false,
  identity: {},
  tls: null,
};

/** A session with real servers, with settings for a test. */
export function connectTo(
  connectString: string,
  settings: Partial<ZookeeperSettings> = {},
): Promise<ZookeeperCoordination> {
  return connectZookeeper({ ...usual, connect: connectString, ...settings }, silentLog);
}

let roots = 0;

/** Makes an empty node of its own for a test. @returns the connect string that leads below it */
export async function newRoot(zookeeper: RunningZookeeper): Promise<string> {
  const path = `/test-${process.pid}-${(roots += 1)}`;
  const raw = await connectTo(zookeeper.connectString);
  const session = new PromisedSession(raw);
  await session.create(path);
  await session.close();
  return `${zookeeper.connectString}${path}`;
}

/**
 * Ends a session from outside, at once: somebody else takes it over, as its owner would after a lost connection, and
 * closes it. The owner finds its connection cut, and the session gone when it connects again.
 */
export async function expireSession(session: Coordination): Promise<void> {
  const { proof, server } = (session as ZookeeperCoordination).session;
  const socket = connect(server!.port, server!.host);
  await once(socket, 'connect');
  socket.write(connectFrame({ lastZxid: 0, sessionTimeoutMs: 6_000, credentials: proof }));
  await once(socket, 'data');
  socket.write(requestFrame(1, OpCode.closeSession, () => undefined));
  socket.resume();
  await once(socket, 'close');
}
