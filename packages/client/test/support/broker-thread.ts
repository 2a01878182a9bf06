// A broker in a thread, for tests that block the event loop of everything else.
import { parentPort } from 'node:worker_threads';
import { startBroker } from '@odradek/broker';

const broker = await startBroker({
  port: 0,
  overrides: { 'group.initial.rebalance.delay.ms': '0', 'group.min.session.timeout.ms': '100' },
});
parentPort!.postMessage(broker.bootstrapServers);
parentPort!.once('message', () => void broker.close().then(() => process.exit()));
