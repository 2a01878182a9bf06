import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { silentLog } from '@odradek/broker/adapters/silent-log.ts';
import { nodeMachine } from '@odradek/broker/adapters/node-machine.ts';
import type { Dispatcher } from '@odradek/broker/server/dispatcher.ts';
import { Listener } from '@odradek/broker/server/listener.ts';

/** A listener whose requests are never answered. */
async function silentListener() {
  let asked: () => void;
  const isAsked = new Promise<void>((resolve) => (asked = resolve));
  const dispatcher = {
    dispatch: () => {
      asked();
      return new Promise(() => {});
    },
  } as unknown as Dispatcher;
  const settings = {
    name: 'PLAINTEXT',
    host: '127.0.0.1',
    port: 0,
    backlog: 10,
    frameSizeMaxBytes: 1000,
    idleMaxMs: 600_000,
    connectionsMax: 10,
    connectionsPerHostMax: 10,
    connectionsPerHostOverrides: new Map<string, number>(),
  };
  const parts = { ...nodeMachine(), dispatcher, log: silentLog };
  const listener = new Listener(settings, parts);
  const port = await listener.bind();
  listener.open();
  return { listener, port, isAsked };
}

test('a stop that waits for an answer ends when it is told again with a nearer deadline, and so does the second', async () => {
  const { listener, port, isAsked } = await silentListener();
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(Buffer.from([0, 0, 0, 1, 0]));
  await isAsked;
  const patient = listener.stop(60_000);
  const hurried = listener.stop(0);
  await Promise.all([patient, hurried, once(socket, 'close')]);
  assert.equal(socket.destroyed, true);
  await listener.stop(0);
});
